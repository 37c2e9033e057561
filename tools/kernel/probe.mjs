// Runs inside the guest: loads every compiled object on this kernel, lets the filter judge packets, and attaches it to a
// veth pair. One JSON line a check; "PROBE-END" at last.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { BpfObject, mountBpffs, XdpAction } from "libbpf-ts";

const objects = process.argv[2];
const FILTER = join(objects, "secuxflow.bpf.o");

function check(name, run) {
  let outcome;
  try {
    outcome = { ok: true, ...run() };
  } catch (error) {
    outcome = { ok: false, why: String(error.message).slice(0, 600) };
  }
  console.log(`PROBE ${JSON.stringify({ check: name, kernel: release(), ...outcome })}`);
}

const shell = (command) => execFileSync("/bin/busybox", ["sh", "-ec", command], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Packets in the `totals` counter of that index, over all CPUs (struct counter: packets first). */
function total(object, index) {
  const value = object.map("totals").lookup(index);
  let packets = 0n;
  for (let at = 0; at < value.length; at += 24) packets += value.readBigUInt64LE(at);
  return Number(packets);
}

/** UDP over IPv4 from 10.0.0.1 to 10.0.0.2, in the shortest frame. */
const udp = Buffer.alloc(60);
udp.write("0200000000020200000000010800" + "4500002a000040004011" + "0000" + "0a000001" + "0a000002" + "30390035" + "0016" + "0000", "hex");

mountBpffs();
for (const name of readdirSync(objects).filter((file) => file.endsWith(".bpf.o")).sort()) {
  check(`loads ${name}`, () => {
    const object = BpfObject.open(join(objects, name)).load();
    const programs = [...object.programs.keys()];
    object.close();
    return { programs };
  });
}

check("passes and counts packets of test runs", () => {
  const object = BpfObject.open(FILTER).load();
  const { retval } = object.program("secuxflow").testRun({ data: udp, repeat: 1_000 });
  const passed = total(object, 0);
  object.close();
  if (retval !== XdpAction.PASS || passed !== 1_000) throw new Error(`verdict ${retval}, ${passed} of 1000 packets counted`);
  return { passed };
});

check("passes and counts real packets in native mode on veth", () => {
  shell("/bin/ip link add va type veth peer name vb; /bin/ip addr add 10.9.0.1/24 dev va; /bin/ip link set va up; /bin/ip link set vb up");
  const object = BpfObject.open(FILTER).load();
  const far = object.program("secuxflow_passthrough").attachXdp("vb", { mode: "native" });
  const near = object.program("secuxflow").attachXdp("va", { mode: "native" });
  // Out at vb, in at va: what the neighbour discovery of vb sends by itself, and ARP requests.
  shell("/bin/ip addr add 10.9.0.2/24 dev vb; arping -c 3 -w 3 -I vb 10.9.0.99 || true");
  const passed = total(object, 0);
  near.close();
  far.close();
  object.close();
  if (passed < 3) throw new Error(`${passed} packets counted`);
  return { passed };
});
console.log("PROBE-END");
