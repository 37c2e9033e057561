/** A program that is measured by test runs. */
export interface Runner {
  /** Runs it so often and returns what the kernel says one run took, in nanoseconds. */
  run(repeat: number): number;
}

/** One value a round. */
export interface Sandwiched {
  /** Time of a run of the measured program as a multiple of the base's just before and just after. */
  readonly ratios: number[];
  readonly ns: number[];
  readonly baseNs: number[];
}

/** Runs with which the time of one run is guessed: enough for each packet of a trace of test data to be seen by the caches. */
const FIRST_TRY = 4_096;
const MOST_REPEAT = 4_000_000;

/**
 * Measures programs by turns, each between two runs of the base program: a machine that others use, too, slows all of them
 * alike. Time is CPU time of this process, which the kernel accounts exactly; the few tens of microseconds around a test
 * run are the same share of all runs, since all runs are made to take equally long.
 *
 * @param doseMs how long one run takes
 */
export function sandwich(base: Runner, measured: ReadonlyMap<string, Runner>, rounds: number, doseMs: number): Map<string, Sandwiched> {
  const results = new Map<string, Sandwiched>([...measured.keys()].map((name) => [name, { ratios: [], ns: [], baseNs: [] }]));
  const repeats = new Map([base, ...measured.values()].map((runner) => [runner, repeatFor(runner, doseMs)]));
  const run = (runner: Runner): number => timed(runner, repeats.get(runner) ?? FIRST_TRY);
  for (let round = 0; round < rounds; round++) {
    let before = run(base);
    for (const [name, runner] of round % 2 === 0 ? measured : [...measured].toReversed()) {
      const ns = run(runner);
      const after = run(base);
      const result = results.get(name);
      result?.ratios.push((2 * ns) / (before + after));
      result?.ns.push(ns);
      result?.baseNs.push((before + after) / 2);
      before = after;
    }
  }
  return results;
}

/** Nanoseconds of CPU a run. */
function timed(runner: Runner, repeat: number): number {
  const before = process.cpuUsage();
  runner.run(repeat);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / repeat;
}

/** Runs that fill the dose, found by a try after another one that warms the caches up. */
function repeatFor(runner: Runner, doseMs: number): number {
  runner.run(FIRST_TRY);
  return Math.max(FIRST_TRY, Math.min(MOST_REPEAT, Math.round((doseMs * 1e6) / Math.max(1, runner.run(FIRST_TRY)))));
}
