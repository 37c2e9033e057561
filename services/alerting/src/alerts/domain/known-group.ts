import type { Micros } from "../../storage/domain/timestamp.js";
import type { AlertRow, TriageRow } from "./alert-row.js";
import { SUMMARY_ATTRIBUTES } from "./summary.js";

/** What an `Alert` is made of. */
export type AlertFacts = Omit<AlertRow, "way" | "dst_ports">;

/** A detection as grouping sees it; `id` is the event's. */
export interface GroupedDetection extends Omit<AlertFacts, "id" | "first_us" | "last_us" | "n" | "worst"> {
  readonly id: string;
  readonly seq: number;
  readonly time_us: Micros;
  readonly severity: number;
  /** Stored with its attributes (see FloodGate). */
  readonly full: boolean;
}

/** All that must be known of a group to add a detection without asking storage. */
export interface KnownGroup {
  readonly facts: AlertFacts;
  /** Sequence of the newest detection, by time and then sequence. */
  readonly newestSeq: number;
  /** The detection that `facts.attrs` is of: the newest of the full ones, or else the newest. */
  readonly attrsOf: { readonly full: boolean; readonly time_us: Micros; readonly seq: number };
  /** Event ids of all detections in it. */
  readonly ids: Set<string>;
  readonly triage: readonly TriageRow[];
}

/** Negative when a is older than b. */
const age = (a: { time_us: Micros; seq: number }, b: { time_us: Micros; seq: number }): number =>
  a.time_us - b.time_us || a.seq - b.seq;

/** The group that has this detection alone. */
export function firstOf(detection: GroupedDetection): KnownGroup {
  const { id, seq, time_us, severity, full, ...shared } = detection;
  return {
    facts: { ...shared, id: seq, first_us: time_us, last_us: time_us, n: 1, worst: severity },
    newestSeq: seq,
    attrsOf: { full, time_us, seq },
    ids: new Set([id]),
    triage: [],
  };
}

/**
 * The group with one more detection, as the SQL of ClickHouseAlerts would group it. `group.ids` is taken over, so the old
 * group is not to be used again. Undefined when it cannot be known from here: the event was stored before (which row stays
 * is storage's choice), or its time and sequence are another's.
 */
export function fold(group: KnownGroup, detection: GroupedDetection): KnownGroup | undefined {
  const { facts, attrsOf } = group;
  const { id, seq, time_us, severity, full, ...shared } = detection;
  const newer = age(detection, { time_us: facts.last_us, seq: group.newestSeq });
  if (group.ids.has(id) || newer === 0) return undefined;
  const takesAttrs = full === attrsOf.full ? age(detection, attrsOf) > 0 : full;
  return {
    facts: {
      ...(newer > 0 ? shared : facts),
      attrs: takesAttrs ? shared.attrs : facts.attrs,
      id: Math.min(facts.id, seq),
      first_us: Math.min(facts.first_us, time_us),
      last_us: Math.max(facts.last_us, time_us),
      n: facts.n + 1,
      worst: Math.min(facts.worst, severity),
    },
    newestSeq: newer > 0 ? seq : group.newestSeq,
    attrsOf: takesAttrs ? { full, time_us, seq } : attrsOf,
    ids: group.ids.add(id),
    triage: group.triage,
  };
}

/** The attributes that an `Alert` shows something of: the others need not be kept. */
export function shownAttributes(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    SUMMARY_ATTRIBUTES.flatMap((key) => (Object.hasOwn(attributes, key) ? [[key, attributes[key] ?? ""]] : [])),
  );
}

/** What it takes to keep a group, in units of some 100 bytes: one for each event id, and its longer texts. */
export function weightOf({ facts, ids, triage }: KnownGroup): number {
  const texts = [...Object.values(facts.attrs), facts.gkey, facts.name, facts.class, ...triage.map((row) => row.note)];
  return ids.size + triage.length + Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 100);
}
