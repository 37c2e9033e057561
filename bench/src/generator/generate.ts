/**
 * A process of its own that feeds the filter's maps with UDP packets at a given rate:
 * `generate.js <object> <folder of pinned maps> <frame as hex> <packets per second> <seconds> <flows>`. Prints `{"sent": n, "seconds": s}`.
 *
 * A test run of an XDP program waits for an RCU grace period, about 25 ms here, so packets come in bursts of a twentieth of a second.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BpfObject } from "libbpf-ts";

const [path = "", pinned = "", hex = "", rate = "0", seconds = "0", flows = "1"] = process.argv.slice(2);
const BURSTS_PER_SECOND = 20;

const object = BpfObject.open(path).setGlobal("flows", Number(flows));
for (const name of readdirSync(pinned)) if (!name.startsWith("link-")) object.reuseMap(name, join(pinned, name));
object.load();
const program = object.program("generate");
const data = Buffer.from(hex, "hex");
const burst = Math.round(Number(rate) / BURSTS_PER_SECOND);
const bursts = Math.round(Number(seconds) * BURSTS_PER_SECOND);
const began = performance.now();
for (let i = 0; i < bursts; i++) {
  program.testRun({ data, repeat: burst });
  const due = began + ((i + 1) * 1_000) / BURSTS_PER_SECOND;
  const early = due - performance.now();
  if (early > 0) await pause(early);
}
console.log(JSON.stringify({ sent: burst * bursts, seconds: (performance.now() - began) / 1_000 }));
