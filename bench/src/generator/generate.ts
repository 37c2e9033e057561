/**
 * A process of its own that sends UDP frames at a given rate from inside a network namespace:
 * `generate.js <object> <netns path> <interface> <frame as hex> <packets per second> <seconds> <flows>`. Prints `{"sent": n, "seconds": s}`.
 *
 * A test run with live frames (kernel: Documentation/bpf/bpf_prog_run.rst) waits for an RCU grace period at its end, about
 * 25 ms here, so packets leave in bursts of a twentieth of a second.
 */
import { setTimeout as pause } from "node:timers/promises";
import { BpfObject, ifIndex } from "libbpf-ts";

const [path = "", netns = "", dev = "", hex = "", rate = "0", seconds = "0", flows = "1"] = process.argv.slice(2);
const BURSTS_PER_SECOND = 20;

const object = BpfObject.open(path).setGlobal("ifindex", ifIndex(dev, { netns })).setGlobal("flows", Number(flows)).load();
const program = object.program("generate");
const data = Buffer.from(hex, "hex");
const burst = Math.round(Number(rate) / BURSTS_PER_SECOND);
const bursts = Math.round(Number(seconds) * BURSTS_PER_SECOND);
const began = performance.now();
for (let i = 0; i < bursts; i++) {
  program.testRun({ data, repeat: burst, liveFrames: true, batchSize: 64, netns });
  const due = began + ((i + 1) * 1_000) / BURSTS_PER_SECOND;
  const early = due - performance.now();
  if (early > 0) await pause(early);
}
console.log(JSON.stringify({ sent: burst * bursts, seconds: (performance.now() - began) / 1_000 }));
