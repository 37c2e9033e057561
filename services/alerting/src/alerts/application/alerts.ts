import {
  AddressError,
  formatPrefix,
  parsePrefix,
  ProblemError,
  type Alert,
  type AlertDetail,
  type AlertQuery,
  type DetectionPart,
  type DetectionQuery,
  type TriageCommand,
} from "@secuxflow/contracts";
import type { Micros } from "../../storage/domain/timestamp.js";
import { fitting, nextTriageTime, toAlert, toDetection, toTriage, type AlertRow, type TriageRow } from "../domain/alert-row.js";
import { MAX_GROUP_WEIGHT, type KnownGroups } from "./known-groups.js";
import type { AlertStore, GroupRef } from "./ports.js";

const DETECTIONS_SHOWN = 20;

/** An alert with what storage says of it. */
export interface ReadAlert {
  readonly ref: GroupRef;
  readonly row: AlertRow;
  readonly triage: TriageRow[];
}

const keyOf = (ref: GroupRef): string => `${ref.bucket} ${ref.gkey}`;
const refOf = (row: { bucket_us: Micros; gkey: string }): GroupRef => ({ bucket: row.bucket_us, gkey: row.gkey });

/** What can be asked of alerts. Errors are ProblemError (what was asked) or StorageUnavailable. */
export class Alerts {
  constructor(
    private readonly store: AlertStore,
    private readonly now: () => Micros,
    private readonly known?: KnownGroups,
  ) {}

  async list(query: AlertQuery): Promise<{ items: Alert[]; total: number }> {
    const { groups, total } = await this.store.list({
      limit: query.limit,
      since: query.sinceMs === undefined ? undefined : Math.max(0, this.now() - query.sinceMs * 1_000),
      maxSeverity: query.maxSeverity,
      module: query.module,
      src: query.src === undefined ? undefined : canonicalSource(query.src),
      state: query.state,
    });
    return { items: await this.read(groups), total };
  }

  /** These alerts, in this order; what has expired meanwhile is left out. */
  async read(groups: readonly GroupRef[]): Promise<Alert[]> {
    const [rows, triage] = await Promise.all([this.store.read(groups), this.store.triage(groups)]);
    const byKey = new Map(rows.map((row) => [keyOf(refOf(row)), row]));
    const triageOf = (group: GroupRef) => triage.filter((entry) => keyOf(refOf(entry)) === keyOf(group));
    return groups.flatMap((group) => {
      const row = byKey.get(keyOf(group));
      return row === undefined ? [] : [toAlert(row, triageOf(group))];
    });
  }

  /** As `read`, and keeps in mind what it can of these groups. */
  async learn(groups: readonly GroupRef[]): Promise<Alert[]> {
    if (this.known === undefined) return this.read(groups);
    const done = this.known.reading(groups);
    const found: Parameters<typeof done>[0][number][] = [];
    try {
      const [rows, triage] = await Promise.all([this.store.readKnown(groups, MAX_GROUP_WEIGHT), this.store.triage(groups)]);
      return rows.map(({ row, known }) => {
        const group = refOf(row);
        const entries = triage.filter((entry) => keyOf(refOf(entry)) === keyOf(group));
        if (known !== undefined) found.push({ group, known: { ...known, triage: entries } });
        return toAlert(row, entries);
      });
    } finally {
      done(found);
    }
  }

  async show(id: number): Promise<AlertDetail> {
    const { ref, row, triage } = await this.get(id);
    const detections = await this.store.detections(ref, DETECTIONS_SHOWN);
    return { alert: toAlert(row, triage), detections: fitting(detections).map(toDetection), triage: triage.map(toTriage) };
  }

  /** A part of the stored detections, in the order of the stream. */
  async detections({ after, sinceMs, alertId, limit }: DetectionQuery): Promise<DetectionPart> {
    const group = alertId === undefined ? undefined : (await this.get(alertId)).ref;
    const since = sinceMs === undefined ? undefined : Math.max(0, this.now() - sinceMs * 1_000);
    // Before the rows: rows come in the order of their sequence, so that all up to this one are there.
    const last = await this.store.lastSequence();
    // Most looks of who follows find nothing new, and cost nothing.
    if (limit === 0 || last <= after) return { items: [], next: Math.max(after, last), more: false };
    const { rows, end, full } = await this.store.stored({ after, since, group, limit });
    const shown = fitting(rows);
    if (shown.length < rows.length) return { items: shown.map(toDetection), next: shown.at(-1)?.seq ?? after, more: true };
    return { items: shown.map(toDetection), next: full ? end : Math.max(end, last), more: full };
  }

  async triage(command: TriageCommand): Promise<Alert> {
    const { ref, row, triage } = await this.get(command.id);
    const entry = {
      alertId: row.id,
      at: nextTriageTime(this.now(), triage),
      actor: command.actor,
      state: command.state,
      note: command.note ?? "",
      ruleId: command.ruleId ?? 0,
    };
    // Before, for what is being read now; after, for what is read meanwhile.
    this.known?.forget(ref);
    await this.store.append(ref, entry).finally(() => this.known?.forget(ref));
    return toAlert(row, await this.store.triage([ref]));
  }

  /** @param id the sequence of any detection of the alert @throws ProblemError not_found */
  async get(id: number): Promise<ReadAlert> {
    const ref = await this.store.find(id);
    const [rows, triage] = ref === undefined ? [[], []] : await Promise.all([this.store.read([ref]), this.store.triage([ref])]);
    const row = rows[0];
    if (ref === undefined || row === undefined) {
      throw new ProblemError("not_found", `there is no alert ${id}; list the ones there are with: secuxflow-cli alert list`, {
        next: "secuxflow-cli alert list",
      });
    }
    return { ref, row, triage };
  }
}

function canonicalSource(text: string): string | undefined {
  if (text === "any") return undefined;
  try {
    return formatPrefix(parsePrefix(text));
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new ProblemError("invalid_input", `src: ${error.message}`, {
      errors: [{ field: "src", message: error.message }],
      cause: error,
    });
  }
}
