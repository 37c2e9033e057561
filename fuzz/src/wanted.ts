/** The command line of `npm run fuzz`. */
import { parseArgs } from "node:util";

export interface Wanted {
  readonly target: string;
  readonly seed: number;
  readonly packets: number;
  readonly seconds: number;
  readonly mismatches: number;
  readonly batch: number;
  readonly json: string | undefined;
}

/** What is told with --help. */
export const usage = (targets: readonly string[]): string => `usage: npm run fuzz -- TARGET [--seconds N (60)] [--seed S] [--mismatches N (1; 5)] [--json FILE]
       npm run fuzz -- dataplane [--packets N] [--batch N (4096)] …
  dataplane  random policies and frames through the XDP filter and through a slow model; ends after so many seconds
             or packets, or at the first mismatch, which it makes small and keeps in fuzz/corpus
  all        every target below, so many seconds each
  ${targets.join(", ")}
             parts of the inspection engine: no trap, no hang, all memory given back, the same result in any chunking, and a
             model where there is one; what fails is made small and kept in fuzz/corpus/TARGET. SECUXFLOW_CONFORMANCE names
             a folder with captures to start from`;

/** Reads the command line; a text says what is wrong with it, undefined asks for help. */
export function wanted(args: readonly string[], targets: readonly string[]): Wanted | string | undefined {
  const { positionals, values } = parseArgs({
    args: [...args], allowPositionals: true,
    options: {
      seconds: { type: "string" }, packets: { type: "string" }, seed: { type: "string" }, mismatches: { type: "string" },
      batch: { type: "string", default: "4096" }, json: { type: "string" }, help: { type: "boolean" },
    },
  });
  if (values.help === true) return undefined;
  const [target = "", ...more] = positionals;
  if (more.length > 0 || !["dataplane", "all", ...targets].includes(target)) {
    return `say what to fuzz: dataplane, all, ${targets.join(", ")}; not ${JSON.stringify(positionals.join(" "))}`;
  }
  const number = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : /^\d+$/.test(text) ? Number(text) : NaN);
  const result = {
    target, seed: number(values.seed, Date.now() % 0x1_0000_0000), packets: number(values.packets, Infinity),
    seconds: number(values.seconds, values.packets === undefined ? 60 : Infinity),
    mismatches: number(values.mismatches, target === "dataplane" ? 1 : 5), batch: number(values.batch, 4_096), json: values.json,
  };
  const wrong = (["seed", "packets", "seconds", "mismatches", "batch"] as const).find((name) => Number.isNaN(result[name]) || (name !== "seed" && result[name] < 1));
  return wrong === undefined ? result : `--${wrong} is a whole number, at least ${wrong === "seed" ? 0 : 1}`;
}
