/** Runs the checks in a process of their own: an endless loop in a module cannot be ended from within. */
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { moduleChecks, type Check, type CheckOptions } from "./checks.js";

/** A module that is silent so long hangs: the longest check takes seconds. */
const SILENCE_MS = 30_000;

/** The program to start again; undefined where this is not it (a test runs the commands in its own process). */
export const ownProgram = (): string | undefined => {
  const path = process.argv[1];
  return path !== undefined && /^secuxflow-cli(\.mjs)?$/.test(basename(path)) ? path : undefined;
};

/** Checks in this process, or in another one where `program` is given. */
export async function* checksOf(file: string, wasm: Uint8Array, options: CheckOptions, program: string | undefined, silenceMs = SILENCE_MS): AsyncGenerator<Check> {
  if (program === undefined) {
    yield* moduleChecks(wasm, options);
    return;
  }
  const more = [...(options.pcap === undefined ? [] : ["--pcap", options.pcap]), ...(options.seed === undefined ? [] : ["--seed", String(options.seed)])];
  const child = spawn(process.execPath, [program, "module", "test", file, "--unwatched", ...more], { stdio: ["ignore", "pipe", "inherit"] });
  let hung = false;
  const kill = (): void => {
    hung = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(kill, silenceMs);
  const over = new Promise<void>((resolve) => child.on("close", () => { resolve(); }));
  let last = "loads and starts";
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      clearTimeout(timer);
      timer = setTimeout(kill, silenceMs);
      const check = JSON.parse(line) as Check;
      last = check.name;
      yield check;
    }
    await over;
    if (hung) yield { name: "ends in time", ok: false, detail: `after "${last}" nothing came for ${silenceMs / 1_000} s: the module hangs` };
    else if (child.signalCode !== null) yield { name: "ends in time", ok: false, detail: `its process was ended by ${child.signalCode} after "${last}"` };
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}
