/**
 * A process of its own that sends a trace out of an interface as fast as its core can (live frames of XDP test runs):
 * `transmit.js <object> <trace file> <namespace> <interface> <seconds>`. Prints `{"sent": n, "seconds": s}`.
 */
import { readFileSync } from "node:fs";
import { BpfObject, ifIndex } from "libbpf-ts";
import { SLOT } from "../rules/frames.js";

const [path = "", traceFile = "", netns = "", dev = "", seconds = "0"] = process.argv.slice(2);
/** Packets of one system call. */
const BURST = 65_536;
const BATCH = 256;

const object = BpfObject.open(path).setGlobal("out_ifindex", ifIndex(dev, { netns })).load();
const trace = readFileSync(traceFile);
new Uint8Array(object.map("trace").mmap()).set(trace);
const program = object.program("transmit");
const data = trace.subarray(0, SLOT);
const began = performance.now();
const end = began + Number(seconds) * 1_000;
let sent = 0;
while (performance.now() < end) {
  program.testRun({ data, repeat: BURST, liveFrames: true, batchSize: BATCH, netns });
  sent += BURST;
}
console.log(JSON.stringify({ sent, seconds: (performance.now() - began) / 1_000 }));
