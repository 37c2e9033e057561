import { existsSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";
import { readObjectSpec, structLayoutOf } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import { encodeRules } from "./encode.js";
import { ANY_PORT } from "./rule.js";

const OBJECT = join(repoRoot(), "bpf/build/bench_classifier.bpf.o");

describe("rules for the kernel", () => {
  if (!existsSync(OBJECT)) throw new Error(`${OBJECT} is missing; run: node bpf/build.mjs`);
  const spec = readObjectSpec(OBJECT);
  const at = (struct: string, member: string): number => structLayoutOf(spec, struct).members.find(({ name }) => name === member)?.offset ?? -1;

  it("are struct entry of layout.h", () => {
    const bytes = encodeRules(spec, [
      { src: { address: 0x0a000000, length: 8 }, dst: { address: 0, length: 0 }, sport: ANY_PORT, dport: [80, 443], proto: 6 },
      { src: { address: 0, length: 0 }, dst: { address: 0xc0a80101, length: 32 }, sport: ANY_PORT, dport: ANY_PORT, proto: undefined },
    ]);
    const size = structLayoutOf(spec, "entry").size;
    expect(bytes).toHaveLength(2 * size);
    const detail = at("entry", "detail");
    expect(bytes.readBigUInt64LE(at("rule", "src_lo"))).toBe(0xffff_0a00_0000n);
    expect(bytes.readUInt8(at("rule", "src_len"))).toBe(104);
    expect(bytes.readBigUInt64LE(at("rule", "dst_lo"))).toBe(0n);
    expect(bytes.readUInt8(at("rule", "dst_len"))).toBe(0);
    expect(bytes.readUInt16LE(at("rule", "dport_max"))).toBe(443);
    expect(bytes.readUInt8(at("rule", "proto_mask"))).toBe(0xff);
    expect(bytes.readBigUInt64LE(at("rule", "order"))).toBe((1_000n << 32n) | 1n);
    expect(bytes.readUInt8(detail + at("detail", "needs"))).toBe(1);
    expect(bytes.readUInt32LE(detail + at("detail", "id"))).toBe(1);
    expect(bytes.readUInt8(detail + at("detail", "verdict"))).toBe(1);
    expect(bytes.readBigUInt64LE(size + at("rule", "order"))).toBe((1_000n << 32n) | 2n);
    expect(bytes.readUInt8(size + at("rule", "proto_mask"))).toBe(0);
    expect(bytes.readUInt8(size + detail + at("detail", "needs"))).toBe(0);
  });
});
