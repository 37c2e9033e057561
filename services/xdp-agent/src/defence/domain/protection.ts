import type { Protection } from "@secuxflow/contracts";
import { PROTECTION, SYN_MODE, SYN_WINDOW_NS } from "./layout.js";
import { limitCost } from "./rate.js";

/** What this host adds to the policy's protection. */
export interface DefenceSettings {
  /** Answers a second to rejected packets, over all rules and CPUs, and how many at once; 0 a second: no limit. */
  readonly answers: { readonly rate: number; readonly burst: number };
  /** Whether top talkers are counted. */
  readonly top: boolean;
}

export const DEFAULT_SETTINGS: DefenceSettings = { answers: { rate: 10_000, burst: 1_000 }, top: true };

/** `struct protection` of bpf/include/defence.h. */
export function encodeProtection(protection: Protection, settings: DefenceSettings): Uint8Array {
  const bytes = new Uint8Array(PROTECTION.size);
  const view = new DataView(bytes.buffer);
  const windowOn = Math.min(Math.max(Math.ceil((protection.synRate * SYN_WINDOW_NS) / 1e9), 1), 0xffff_ffff);
  view.setUint32(PROTECTION.syn_mode, SYN_MODE[protection.synCookies], true);
  view.setUint32(PROTECTION.syn_window_on, windowOn, true);
  // Half the rate keeps it on: a flood around the limit does not make it flutter.
  view.setUint32(PROTECTION.syn_window_off, Math.ceil(windowOn / 2), true);
  view.setUint32(PROTECTION.top_on, settings.top ? 1 : 0, true);
  const limits = [
    [protection.perSource, PROTECTION.source_unit_ns, PROTECTION.source_burst_ns],
    [settings.answers.rate > 0 ? settings.answers : undefined, PROTECTION.answer_unit_ns, PROTECTION.answer_burst_ns],
  ] as const;
  for (const [limit, unitAt, burstAt] of limits) {
    if (!limit) continue;
    const cost = limitCost({ ...limit, unit: "packets" });
    view.setBigUint64(unitAt, cost.unitNs, true);
    view.setBigUint64(burstAt, cost.burstNs, true);
  }
  return bytes;
}
