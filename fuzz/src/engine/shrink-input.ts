/** Makes a failing input smaller as long as it fails. */
import type { Input, Step } from "./input.js";

export type InputFails = (smaller: Input) => Promise<boolean>;

/** As few elements as fail: leaves out halves, then quarters, … (ddmin, Zeller and Hildebrandt 2002). */
async function fewest<T>(all: readonly T[], fails: (kept: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = all;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length;) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(fewer)) kept = fewer;
      else at += size;
    }
  }
  return kept;
}

/**
 * Fewer steps, then fewer bytes in each, then bytes that say nothing.
 * @param runs tries at most
 * @param ms time at most
 */
export async function shrinkInput(failing: Input, fails: InputFails, runs = 2_000, ms = 20_000): Promise<Input> {
  const until = performance.now() + ms;
  let left = runs;
  const tryIt = async (candidate: Input): Promise<boolean> => left-- > 0 && performance.now() < until && fails(candidate);
  let best = await fewest(failing, tryIt);
  for (const at of best.keys()) {
    const withBytes = (bytes: readonly number[]): Input => best.map((step, i): Step => (i === at ? { ...step, bytes: Uint8Array.from(bytes) } : step));
    best = withBytes(await fewest([...(best[at]?.bytes ?? [])], (bytes) => tryIt(withBytes(bytes))));
    for (const where of best[at]?.bytes.keys() ?? []) {
      const bytes = [...(best[at]?.bytes ?? [])];
      if (bytes[where] === 0x61 || bytes[where] === 0) continue;
      bytes[where] = bytes[where] === undefined || bytes[where] < 32 || bytes[where] > 126 ? 0 : 0x61;
      if (await tryIt(withBytes(bytes))) best = withBytes(bytes);
    }
  }
  return best;
}
