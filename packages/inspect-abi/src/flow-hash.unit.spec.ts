import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAddress } from "./address.js";
import { flowHash, partitionOf } from "./flow-hash.js";

interface Vector {
  src: string;
  dst: string;
  sport: number;
  dport: number;
  proto: number;
  seed: number;
  hash: string;
  partition: number;
}

const here = import.meta.dirname;
const vectors = JSON.parse(readFileSync(join(here, "../vectors/flow-hash.json"), "utf8")) as Vector[];
const MASK = (1n << 64n) - 1n;
const K1 = 0x9e3779b185ebca87n,
  K2 = 0xc2b2ae3d27d4eb4fn,
  K3 = 0x165667b19e3779f9n;

/** The header's C, written with BigInt: slow and obvious. */
function model(src: Uint8Array, dst: Uint8Array, sport: number, dport: number, proto: number, seed: number): bigint {
  const word = (bytes: Uint8Array, at: number): bigint => new DataView(bytes.buffer).getBigUint64(at, true);
  const endpoint = (address: Uint8Array, port: number): bigint => {
    let h = ((word(address, 0) ^ K3) * K1) & MASK;
    h ^= h >> 32n;
    h = ((h + word(address, 8)) * K2) & MASK;
    h ^= h >> 29n;
    h = ((h + BigInt(port)) * K1) & MASK;
    return h ^ (h >> 32n);
  };
  const a = endpoint(src, sport);
  const b = endpoint(dst, dport);
  let h = (((a + b) & MASK) * K2 + (a ^ b)) & MASK;
  h ^= h >> 31n;
  h = ((h + ((BigInt(proto) << 32n) | BigInt(seed))) * K3) & MASK;
  h ^= h >> 32n;
  h = (h * K1) & MASK;
  return h ^ (h >> 29n);
}

const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
const port = fc.integer({ min: 0, max: 0xffff });
const tuple = fc.tuple(address, address, port, port, fc.integer({ min: 0, max: 255 }), fc.nat({ max: 0xffff_ffff }));

describe("flow hash", () => {
  it.each(vectors)(
    "gives the golden value of $src:$sport → $dst:$dport",
    ({ src, dst, sport, dport, proto, seed, hash, partition }) => {
      const value = flowHash(parseAddress(src), parseAddress(dst), sport, dport, proto, seed);
      expect(value.toString(16).padStart(16, "0")).toBe(hash);
      expect(partitionOf(value)).toBe(partition);
      expect(partitionOf(Number(value & 0xffff_ffffn))).toBe(partition);
    },
  );

  it("equals the BigInt model and does not care about direction", () => {
    fc.assert(
      fc.property(tuple, ([src, dst, sport, dport, proto, seed]) => {
        const hash = flowHash(src, dst, sport, dport, proto, seed);
        expect(hash).toBe(model(src, dst, sport, dport, proto, seed));
        expect(flowHash(dst, src, dport, sport, proto, seed)).toBe(hash);
      }),
      { numRuns: 2000 },
    );
  });

  it("spreads neighbouring flows evenly over the partitions", () => {
    const counts = new Array<number>(64).fill(0);
    const server = parseAddress("10.0.0.1");
    for (let i = 0; i < 6400; i++) {
      const client = parseAddress(`192.168.${i >> 8}.${i & 255}`);
      const partition = partitionOf(flowHash(client, server, 40_000 + (i % 7), 443, 6));
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    // 100 expected in each; six standard deviations.
    expect(Math.min(...counts)).toBeGreaterThan(40);
    expect(Math.max(...counts)).toBeLessThan(160);
  });
});

const compiler = ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"]).status === 0);

describe.skipIf(compiler === undefined)("C headers (need a C compiler)", () => {
  it("give the same hashes, and structs of the stated layout", () => {
    const directory = mkdtempSync(join(tmpdir(), "secuxflow-abi-"));
    try {
      const calls = vectors.map(({ src, dst, sport, dport, proto, seed }) => {
        const word = (text: string, at: number): string =>
          `0x${new DataView(parseAddress(text).buffer).getBigUint64(at, true).toString(16)}ull`;
        const words = [word(src, 0), word(src, 8), word(dst, 0), word(dst, 8)].join(", ");
        return (
          `  printf("%016llx %u\\n", (unsigned long long)sxf_flow_hash(${words}, ${sport}, ${dport}, ${proto}, ${seed}u),` +
          ` sxf_partition(sxf_flow_hash(${words}, ${sport}, ${dport}, ${proto}, ${seed}u)));`
        );
      });
      writeFileSync(
        join(directory, "t.c"),
        [
          "#include <stdio.h>",
          '#include "secuxflow_abi.h"',
          '#include "flow_hash.h"',
          "int main(void) {",
          ...calls,
          "  __u32 v4 = 0x0100000a;",
          '  printf("%d\\n", SXF_V4_HIGH(v4) == 0x0100000affff0000ull);',
          "  return 0;",
          "}",
          "",
        ].join("\n"),
      );
      const root = join(here, "../../..");
      execFileSync(
        compiler ?? "",
        [
          "-std=gnu11",
          "-Wall",
          "-Werror",
          "-I",
          join(root, "wasm/abi"),
          "-I",
          join(root, "bpf/include"),
          "-o",
          join(directory, "t"),
          join(directory, "t.c"),
        ],
        { stdio: ["ignore", "ignore", "inherit"] },
      );
      const lines = execFileSync(join(directory, "t"), { encoding: "utf8" }).trim().split("\n");
      expect(lines).toEqual([...vectors.map(({ hash, partition }) => `${hash} ${partition}`), "1"]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
