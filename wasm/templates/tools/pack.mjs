// Puts the manifest and the self-tests into a compiled module. tests.json holds packets in words; here they become batches as the
// inspection ABI has them (docs/inspect-abi.md).
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [BATCH, RECORD] = [64, 96];
const PROTOCOLS = { tcp: 6, udp: 17 };

/** An unsigned number as WebAssembly writes it (LEB128). */
function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}

function section(name, content) {
  const title = Buffer.from(name);
  const body = Buffer.concat([leb(title.length), title, Buffer.from(content)]);
  return Buffer.concat([Buffer.from([0]), leb(body.length), body]);
}

const address = (text) => Buffer.from(text.split(".").map(Number));

/** An Ethernet frame: IPv4 and TCP or UDP, without checksums. */
function frameOf({ proto = "tcp", src = "10.0.0.1", dst = "10.0.0.2", sport = 40000, dport = 80, seq = 1, flags = 0x18, payload = "", hex }) {
  const data = hex === undefined ? Buffer.from(payload, "latin1") : Buffer.from(hex, "hex");
  const transport = Buffer.alloc(proto === "tcp" ? 20 : 8);
  transport.writeUInt16BE(sport, 0);
  transport.writeUInt16BE(dport, 2);
  if (proto === "tcp") {
    transport.writeUInt32BE(seq, 4);
    transport.set([0x50, flags, 0xff, 0xff], 12);
  } else transport.writeUInt16BE(8 + data.length, 4);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + transport.length + data.length, 2);
  ip.set([64, PROTOCOLS[proto]], 8);
  ip.set(address(src), 12);
  ip.set(address(dst), 16);
  return Buffer.concat([Buffer.alloc(12), Buffer.from([8, 0]), ip, transport, data]);
}

/** One batch with a record for each packet of a test. */
export function batchOf(packets) {
  const frames = packets.map(frameOf);
  const payloadAt = BATCH + RECORD * frames.length;
  const padded = frames.map((frame) => Buffer.concat([frame, Buffer.alloc((8 - (frame.length % 8)) % 8)]));
  const batch = Buffer.concat([Buffer.alloc(payloadAt), ...padded]);
  batch.write("SXIB", 0, "latin1");
  batch.writeUInt16LE(1, 4);
  batch.writeUInt16LE(BATCH, 8);
  batch.writeUInt16LE(RECORD, 10);
  batch.writeUInt32LE(frames.length, 12);
  batch.writeBigUInt64LE(1_767_225_600_000_000_000n, 16);
  batch.writeUInt32LE(payloadAt, 24);
  batch.writeUInt32LE(batch.length - payloadAt, 28);
  batch.writeBigUInt64LE(1n, 40);
  let from = 0;
  packets.forEach(({ proto = "tcp", src = "10.0.0.1", dst = "10.0.0.2", sport = 40000, dport = 80, fromServer = false, atMs = 0 }, i) => {
    const at = BATCH + RECORD * i;
    const length = frames[i].length;
    const payload = 34 + (proto === "tcp" ? 20 : 8);
    // The same for both directions; the real one is a hash of addresses and ports.
    batch.writeBigUInt64LE(BigInt(sport + dport), at);
    batch.writeUInt32LE(atMs * 1_000_000, at + 16);
    batch.writeUInt32LE(from, at + 20);
    batch.writeUInt32LE(length, at + 24);
    batch.writeUInt32LE(length, at + 28);
    batch.writeUInt16LE(14, at + 32);
    batch.writeUInt16LE(34, at + 34);
    batch.writeUInt16LE(payload, at + 36);
    batch.writeUInt16LE(sport, at + 38);
    batch.writeUInt16LE(dport, at + 40);
    batch.set([4, PROTOCOLS[proto], 1, fromServer ? 2 : 1], at + 42);
    batch.writeUInt32LE(1, at + 56);
    batch.set([0xff, 0xff, ...address(src)], at + 74);
    batch.set([0xff, 0xff, ...address(dst)], at + 90);
    from += padded[i].length;
  });
  return batch;
}

/** What a module's folder says of it. */
export const readManifest = (folder) => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));

/** Writes `<id>.wasm` beside the manifest. Returns its path. */
export function pack(folder, wasm) {
  const manifest = readManifest(folder);
  const tests = JSON.parse(readFileSync(join(folder, "tests.json"), "utf8"));
  const vectors = tests.map(({ name, packets, rules }) => ({ name, batch: batchOf(packets).toString("hex"), rules }));
  const path = join(folder, `${manifest.id}.wasm`);
  const whole = Buffer.concat([wasm, section("secuxflow.manifest", JSON.stringify(manifest)), section("secuxflow.selftest", JSON.stringify(vectors))]);
  writeFileSync(`${path}.new`, whole);
  renameSync(`${path}.new`, path);
  console.log(`${manifest.id}.wasm: ${whole.length} bytes, ${vectors.length} self-tests; try it: secuxflow-cli module test ${manifest.id}.wasm`);
  return path;
}
