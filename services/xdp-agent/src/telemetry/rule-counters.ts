import { STATS_RULES, type AgentStats } from "@secuxflow/contracts";
import type { DataPlane } from "../dataplane/application/data-plane.js";
import { TimeSlice } from "../dataplane/application/time-slice.js";

/** Messages of one report at most; what does not fit is told with the next ones. */
const MESSAGES = 4;

/** Counters of rules for one statistics message. */
export interface RuleCounters {
  readonly rules: AgentStats["rules"];
  /** Whether only some rules are in it. */
  readonly partial: boolean;
}

export type CounterSource = Pick<DataPlane, "ruleCounterBlocks" | "ruleOfSlot" | "standing">;

/**
 * Reads the counters of all rules, and says which to tell: all of them where they fit one message; else those that have
 * changed, and some others by turns, so that a reader who came late knows all after a while.
 */
export class RuleCounterReader {
  readonly #plane: CounterSource;
  readonly #toIso: (monotonicNs: number) => string;
  /** By slot: what was told last, and of which rule. */
  #toldPackets = new Float64Array();
  #toldRule = new Uint32Array();
  /** Where the changed ones and the turns go on. */
  #changedFrom = 0;
  #turn = 0;

  constructor(plane: CounterSource, toIso: (monotonicNs: number) => string) {
    this.#plane = plane;
    this.#toIso = toIso;
  }

  /** Reads all counters, in pieces, and returns what to tell now: one message at least. */
  async read(): Promise<RuleCounters[]> {
    const all = this.#plane.standing.rules <= STATS_RULES;
    const found: { slot: number; told: AgentStats["rules"][number]; changed: boolean }[] = [];
    const turnEnd = this.#turn + STATS_RULES / 4;
    const most = MESSAGES * STATS_RULES;
    const slice = new TimeSlice();
    let end = 0;
    for (const { first, count, packets, bytes, lastNs } of this.#plane.ruleCounterBlocks()) {
      end = first + count;
      this.#grow(end);
      for (let i = 0; i < count; i++) {
        const slot = first + i;
        const id = this.#plane.ruleOfSlot(slot);
        if (id === 0) continue;
        const changed = this.#toldRule[slot] !== id ? (packets[i] ?? 0) > 0 : this.#toldPackets[slot] !== packets[i];
        const turn = slot >= this.#turn && slot < turnEnd;
        if (!all && !turn && !(changed && slot >= this.#changedFrom && found.length < most)) continue;
        const last = lastNs[i] ?? 0;
        found.push({ slot, changed, told: { id, packets: packets[i] ?? 0, bytes: bytes[i] ?? 0, ...(last > 0 ? { lastHit: this.#toIso(last) } : {}) } });
      }
      if (slice.over) await slice.yield();
    }
    const told = all ? found : found.slice(0, most);
    for (const { slot, told: { id, packets } } of told) {
      this.#toldRule[slot] = id;
      this.#toldPackets[slot] = packets;
    }
    const last = told.at(-1);
    this.#changedFrom = !all && found.length >= most && last ? last.slot + 1 : 0;
    this.#turn = turnEnd >= end ? 0 : turnEnd;
    return inMessages(told.map((one) => one.told), !all);
  }

  #grow(slots: number): void {
    if (slots <= this.#toldPackets.length) return;
    const packets = new Float64Array(slots * 2);
    const rules = new Uint32Array(slots * 2);
    packets.set(this.#toldPackets);
    rules.set(this.#toldRule);
    this.#toldPackets = packets;
    this.#toldRule = rules;
  }
}

function inMessages(rules: AgentStats["rules"], partial: boolean): RuleCounters[] {
  const messages: RuleCounters[] = [{ rules: rules.slice(0, STATS_RULES), partial }];
  for (let at = STATS_RULES; at < rules.length; at += STATS_RULES) messages.push({ rules: rules.slice(at, at + STATS_RULES), partial });
  return messages;
}
