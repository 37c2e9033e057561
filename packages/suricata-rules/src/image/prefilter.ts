import { anyOfLiterals } from "@secuxflow/regex";
import { encodeDomains, encodeLiterals } from "@secuxflow/rule-image";
import type { DomainEntry, Literal } from "@secuxflow/rule-image";
import { bufferById, PAYLOAD } from "../buffers.js";
import { STREAM_EVENT_BASE } from "../events.js";
import { protocolsOf } from "./rule-protocols.js";
import type { Inspection, Rule } from "../ir.js";
import { ALWAYS_BYTES, GROUP, GROUPS, SLOT_BYTES, STAGE } from "./layout.js";
import { lowerCase } from "./matches.js";
import { bytesOfWords, Records } from "./pool.js";
import type { Pool } from "./pool.js";

/** Numbers of rules, one after the other; who needs a list keeps where it starts and how long it is. */
export class Lists {
  readonly numbers: number[] = [];
  readonly #known = new Map<string, number>();
  add(list: readonly number[]): readonly [number, number] {
    const key = list.join();
    let at = this.#known.get(key);
    if (at === undefined) {
      at = this.numbers.length;
      this.numbers.push(...list);
      this.#known.set(key, at);
    }
    return [at, list.length];
  }
}

interface Slot {
  buffer: number;
  direction: number;
  transforms: number;
  /** Payload only: GROUP. */
  group: number;
  patterns: Map<string, { literal: Literal; rules: Set<number> }>;
  domains: (DomainEntry & { rule: number })[];
}

/** Kinds of rule lists that are tried without a prefilter. */
export const ALWAYS = { transaction: 0, payload: 1, packet: 2, events: 3 } as const;

/** Buffers that hold one host name: whole-name contents become a look-up in a hash table. */
const DOMAIN_BUFFERS = new Set([13, 14, 40, 41, 42, 43, 44, 45, 50]);
/** Longest literal that is searched for: what is longer is cut, and verified as a whole later. */
const LONGEST = 32;

/** Decides for each rule where it is found: by a literal, by a name, by an event, or by being tried each time. */
export class Prefilter {
  readonly lists = new Lists();
  readonly #slots = new Map<string, Slot>();
  readonly #always = new Map<number, number[]>();
  readonly #events = new Map<number, number[]>();

  /** @param transforms where the chains of the rule's inspections are, by inspection */
  add(rule: Rule, index: number, transforms: readonly number[]): void {
    if (rule.kind === "ip") return;
    const event = rule.conditions.find(({ type }) => type === "decode-event" || type === "stream-event");
    if (event !== undefined && "event" in event) {
      push(this.#events, event.event + (event.type === "stream-event" ? STREAM_EVENT_BASE : 0), index);
      return;
    }
    if (rule.kind === "decoder" || rule.kind === "packet") {
      for (const group of groupsOf(rule, false)) for (const direction of directionsOf(rule.flow.directions)) {
        push(this.#always, alwaysKey(ALWAYS.packet, group, direction, 0), index);
      }
      return;
    }
    if (this.#byPattern(rule, index, transforms)) return;
    if (rule.kind === "payload") {
      for (const group of groupsOf(rule, true)) for (const direction of directionsOf(rule.flow.directions)) {
        push(this.#always, alwaysKey(ALWAYS.payload, group, direction, 0), index);
      }
      return;
    }
    this.#byTransaction(rule, index);
  }

  #byTransaction(rule: Rule, index: number): void {
    const onEvent = rule.conditions.some(({ type }) => type === "app-layer-event");
    for (const app of protocolsOf(rule)) {
      if (onEvent && rule.inspections.length === 0) {
        push(this.#always, alwaysKey(ALWAYS.events, app, 0, 0), index);
        continue;
      }
      // A rule on both directions is taken up with the request.
      for (const direction of rule.header.transactional ? [0] : directionsOf(rule.flow.directions)) {
        const stages = rule.inspections.filter((inspection) => (inspection.directions & (1 << direction)) !== 0).map(stageOf);
        if (rule.inspections.length > 0 && stages.length === 0) continue;
        const stage = Math.max(STAGE.start, ...stages);
        push(this.#always, alwaysKey(ALWAYS.transaction, app, direction, stage), index);
      }
    }
  }

  #byPattern(rule: Rule, index: number, transforms: readonly number[]): boolean {
    const chosen = literalsOf(rule);
    if (chosen === undefined) return false;
    const { inspection: at, literals } = chosen;
    const inspection = rule.inspections[at];
    if (inspection === undefined) return false;
    const fast = rule.fastPattern;
    const content = fast !== undefined && !fast.negated && fast.inspection === at ? inspection.matches[fast.match] : undefined;
    const name = content === undefined ? undefined : domainOf(inspection, fast?.match ?? 0);
    const directions = inspection.directions & rule.flow.directions;
    const groups = inspection.buffer === PAYLOAD ? groupsOf(rule, true) : [0];
    for (const direction of directionsOf(directions === 0 ? inspection.directions : (directions as 1 | 2 | 3))) {
      for (const group of groups) {
        if (name !== undefined) {
          this.#slot(inspection.buffer, direction, 0, group).domains.push({ ...name, value: 0, rule: index });
          continue;
        }
        const slot = this.#slot(inspection.buffer, direction, transforms[at] ?? 0, group);
        for (const literal of literals) addPattern(slot, literal, index);
      }
    }
    return true;
  }

  #slot(buffer: number, direction: number, transforms: number, group: number): Slot {
    const key = `${buffer}:${direction}:${transforms}:${group}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { buffer, direction, transforms, group, patterns: new Map(), domains: [] };
      this.#slots.set(key, slot);
    }
    return slot;
  }

  /** Writes the slots; their tables go into the pool. */
  slots(pool: Pool): Records {
    const records = new Records(SLOT_BYTES);
    for (const slot of this.#slots.values()) {
      const patterns = [...slot.patterns.values()];
      const literals = patterns.length === 0 ? new Uint8Array() : encodeLiterals(patterns.map(({ literal }) => literal));
      const table = patterns.flatMap(({ rules }) => this.lists.add([...rules].sort((a, b) => a - b)));
      const names = new Map<string, { entry: DomainEntry; rules: number[] }>();
      for (const { rule, ...entry } of slot.domains) {
        const key = `${entry.mode}:${entry.name.toLowerCase()}`;
        const known = names.get(key) ?? { entry: { ...entry, value: names.size }, rules: [] };
        known.rules.push(rule);
        names.set(key, known);
      }
      const domains = names.size === 0 ? new Uint8Array() : encodeDomains([...names.values()].map(({ entry }) => entry));
      const nameTable = [...names.values()].flatMap(({ rules }) => this.lists.add([...new Set(rules)].sort((a, b) => a - b)));
      const definition = bufferById(slot.buffer);
      const stage = definition === undefined ? 0 : STAGE[definition.stage];
      const protocols = definition?.protocols.reduce((mask, proto) => mask | (1 << proto), 0) ?? 0;
      records.add([
        slot.buffer, slot.direction, slot.transforms,
        literals.length === 0 ? 0 : pool.append(literals, 16), literals.length, patterns.length, pool.append(bytesOfWords(table), 4),
        domains.length === 0 ? 0 : pool.append(domains, 16), domains.length, names.size, pool.append(bytesOfWords(nameTable), 4),
        slot.buffer === PAYLOAD ? slot.group + 1 : 0, stage, protocols,
      ]);
    }
    return records;
  }

  /** Writes the lists of rules that are tried each time: key, start, count. */
  always(): Records {
    const records = new Records(ALWAYS_BYTES);
    for (const [key, rules] of [...this.#always].sort(([a], [b]) => a - b)) records.add([key, ...this.lists.add(rules)]);
    return records;
  }

  /** The same by event number. */
  events(): Records {
    const records = new Records(ALWAYS_BYTES);
    for (const [key, rules] of [...this.#events].sort(([a], [b]) => a - b)) records.add([key, ...this.lists.add(rules)]);
    return records;
  }
}


export const alwaysKey = (kind: number, what: number, direction: number, stage: number): number =>
  (kind << 24) | (what << 8) | (direction << 4) | stage;

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

const directionsOf = (directions: 1 | 2 | 3): number[] => (directions === 3 ? [0, 1] : [directions - 1]);

const stageOf = (inspection: Inspection): number => {
  const definition = bufferById(inspection.buffer);
  return definition === undefined ? STAGE.complete : STAGE[definition.stage];
};

/** Kinds of packets, or of payload, that the rule looks at. */
function groupsOf(rule: Rule, payload: boolean): number[] {
  const { transports } = rule.header;
  const has = (proto: number): boolean => transports.length === 0 || transports.includes(proto);
  const groups = new Set<number>();
  if (has(6)) {
    if (!payload) groups.add(GROUP.tcp);
    else {
      if (rule.payload === "stream" || rule.payload === "both") groups.add(GROUP.stream);
      if (rule.payload !== "stream") groups.add(GROUP.tcp);
    }
  }
  if (has(17)) groups.add(GROUP.udp);
  if (has(1) || has(58)) groups.add(GROUP.icmp);
  if (transports.length === 0 || transports.some((proto) => ![1, 6, 17, 58].includes(proto))) groups.add(GROUP.other);
  return [...groups].filter((group) => group < GROUPS);
}

/** What must occur for the rule to match: its fast pattern, or what one of its expressions needs. */
function literalsOf(rule: Rule): { inspection: number; literals: readonly Literal[] } | undefined {
  const fast = rule.fastPattern;
  // Rules on transactions are found by their buffers: bare payload is only looked at besides.
  const apart = (buffer: number | undefined): boolean => rule.kind === "transaction" && buffer === PAYLOAD;
  if (fast !== undefined && !fast.negated && fast.bytes.length > 0 && !apart(rule.inspections[fast.inspection]?.buffer)) {
    return { inspection: fast.inspection, literals: [{ bytes: fast.bytes, nocase: fast.nocase }] };
  }
  for (const [inspection, { matches, buffer }] of rule.inspections.entries()) {
    if (apart(buffer) || bufferById(buffer)?.priority === 0 || matches.some(({ type }) => type === "absent")) continue;
    for (const match of matches) {
      if (match.type === "content" && !match.negated) return { inspection, literals: [match] };
      if (match.type !== "pcre" || match.negated) continue;
      const literals = anyOfLiterals(match.program.literals, 3, 32);
      if (literals !== undefined && literals.length > 0) return { inspection, literals };
    }
  }
  return undefined;
}

function addPattern(slot: Slot, { bytes, nocase }: Literal, rule: number): void {
  const cut = (nocase ? lowerCase(bytes) : bytes).subarray(0, LONGEST);
  const key = `${nocase ? "i" : "c"}${Buffer.from(cut).toString("latin1")}`;
  const known = slot.patterns.get(key);
  if (known === undefined) slot.patterns.set(key, { literal: { bytes: cut, nocase }, rules: new Set([rule]) });
  else known.rules.add(rule);
}

/** The content as a condition on a whole name, when it is one: what the table finds is a superset of what the content matches. */
function domainOf(inspection: Inspection, at: number): { name: string; mode: DomainEntry["mode"] } | undefined {
  const match = inspection.matches[at];
  if (!DOMAIN_BUFFERS.has(inspection.buffer) || match?.type !== "content" || match.negated) return undefined;
  const name = Buffer.from(match.bytes).toString("latin1");
  if (name.length === 0 || name.length > 250) return undefined;
  const dotted = inspection.transforms.length === 1 && inspection.transforms[0]?.type === "dotprefix";
  if (inspection.transforms.length > 0 && !dotted) return undefined;
  const whole = inspection.matches.some((other) => other.type === "bsize" && !other.range.negated
    && other.range.min === name.length && other.range.max === name.length);
  if (dotted) {
    if (!match.endsWith || name.length < 2 || !name.startsWith(".")) return undefined;
    return { name: name.slice(1), mode: "suffix" };
  }
  if ((match.startsWith && match.endsWith) || whole) return { name, mode: "exact" };
  return match.endsWith ? { name, mode: "endswith" } : undefined;
}
