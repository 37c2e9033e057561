/**
 * A process of its own that feeds the filter's maps with UDP packets at a given rate:
 * `generate.js <object> <folder of pinned maps> <frame as hex> <packets per second> <seconds> <flows>`. Prints `{"sent": n, "seconds": s}`.
 *
 * A test run of an XDP program waits for an RCU grace period, about 25 ms here, so packets come in bursts of a twentieth of a second.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BpfMap, BpfObject } from "libbpf-ts";

const [path = "", pinned = "", hex = "", rate = "0", seconds = "0", flows = "1"] = process.argv.slice(2);
const BURSTS_PER_SECOND = 20;

const object = BpfObject.open(path).setGlobal("flows", Number(flows));
for (const name of readdirSync(pinned)) if (object.spec.maps.has(name)) reuse(name);
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

/** Takes a map of the agent, whatever sizes it was configured with. */
function reuse(name: string): void {
  const map = BpfMap.fromPin(join(pinned, name));
  const declared = object.spec.maps.get(name);
  if (declared !== undefined && declared.maxEntries !== map.maxEntries) object.setMapMaxEntries(name, map.maxEntries);
  if (declared !== undefined && declared.valueSize !== map.valueSize) object.setMapValueSize(name, map.valueSize);
  const blob = /^(image|sets)_0$/.exec(name)?.[1];
  if (blob !== undefined) {
    object.setMapValueSize(blob === "image" ? "images" : "sets", map.valueSize).setGlobal(`${blob}_mask`, map.valueSize - 1);
  }
  object.reuseMap(name, map);
  map.close();
}
