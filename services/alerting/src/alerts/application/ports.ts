import type { TriageState } from "@secuxflow/contracts";
import type { Micros } from "../../storage/domain/timestamp.js";
import type { AlertRow, StoredDetection, TriageRow } from "../domain/alert-row.js";
import type { KnownGroup } from "../domain/known-group.js";

/** An alert's place in storage. */
export interface GroupRef {
  readonly bucket: Micros;
  readonly gkey: string;
}

/** Which alerts are wanted; undefined means any. */
export interface AlertFilter {
  readonly limit: number;
  /** Last seen at or after. */
  readonly since: Micros | undefined;
  readonly maxSeverity: number | undefined;
  readonly module: string | undefined;
  /** Attacker: an address or a prefix in canonical text. */
  readonly src: string | undefined;
  readonly state: TriageState | undefined;
}

/** Which detections are wanted. */
export interface DetectionFilter {
  /** Stream sequence that they lie behind. */
  readonly after: number;
  /** Seen at or after. */
  readonly since?: Micros | undefined;
  /** Only those of this alert. */
  readonly group?: GroupRef | undefined;
  readonly limit: number;
}

/** Detections in the order of their sequence. */
export interface StoredPart {
  readonly rows: readonly StoredDetection[];
  /** Sequence up to which they are all. */
  readonly end: number;
  /** As many as were asked for: there may be more. */
  readonly full: boolean;
}

export interface AlertStore {
  /** Newest first, and how many there are without the limit. */
  list(filter: AlertFilter): Promise<{ groups: GroupRef[]; total: number }>;
  /** The group that holds the detection with this stream sequence. */
  find(sequence: number): Promise<GroupRef | undefined>;
  /** At most 1,000 groups in one call; those that are there, in no order. */
  read(groups: readonly GroupRef[]): Promise<AlertRow[]>;
  /** As `read`, with all that `fold` needs; a group of more than `maxIds` detections comes without: `known` is undefined. */
  readKnown(groups: readonly GroupRef[], maxIds: number): Promise<{ row: AlertRow; known: Omit<KnownGroup, "triage"> | undefined }[]>;
  /** Start of the newest window that holds a detection. */
  newest(): Promise<Micros | undefined>;
  /** Triage rows of these groups, oldest first. */
  triage(groups: readonly GroupRef[]): Promise<TriageRow[]>;
  /** The newest detections of a group, newest first. */
  detections(group: GroupRef, limit: number): Promise<StoredDetection[]>;
  stored(filter: DetectionFilter): Promise<StoredPart>;
  /** The highest sequence that is stored; 0 where there is none. */
  lastSequence(): Promise<number>;
  append(
    group: GroupRef,
    entry: { alertId: number; at: Micros; actor: string; state: TriageState; note: string; ruleId: number },
  ): Promise<void>;
  counts(): Promise<{ detections: number; flows: number }>;
}
