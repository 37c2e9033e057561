import { describe, expect, it } from "vitest";
import { formatCase, parseCase } from "../case.js";
import { policyDocument } from "../documents.js";
import { readPacket } from "../model/packet.js";
import { Random } from "../random.js";
import { FRAME_BYTES, framePools, FrameWriter } from "./frame.js";
import { changePolicy, drawPolicy, drawPools, type Draw } from "./policy.js";

const draw = (seed: number): Draw => {
  const random = new Random(seed);
  let id = 1;
  return { random, pools: drawPools(random), shape: { rules: 40, actions: ["drop", "pass", "limit", "reject"] }, nextId: () => id++ };
};

describe("the generators", () => {
  it("draw policies that the border takes, and case files hold them", () => {
    for (let seed = 0; seed < 60; seed++) {
      const one = draw(seed);
      const policy = drawPolicy(one);
      const changed = changePolicy(one, policy);
      for (const each of [policy, changed]) expect(policyDocument(each).rules.size).toBe(each.rules.length);
      const written = { note: "seed", place: "mixed" as const, before: [policy], policy: changed, frames: [Uint8Array.of(1, 2, 255)] };
      expect(parseCase(formatCase(written))).toEqual(written);
    }
  });

  it("draw frames of every kind", () => {
    const seen = new Map<string, number>();
    const target = new Uint8Array(FRAME_BYTES);
    for (let seed = 0; seed < 10; seed++) {
      const one = draw(seed);
      const writer = new FrameWriter(one.random, framePools(one.pools, drawPolicy(one)));
      for (let i = 0; i < 2_000; i++) {
        const length = writer.write(target);
        expect(length).toBeGreaterThanOrEqual(14);
        const packet = readPacket(target.subarray(0, length));
        const kinds = typeof packet === "string" ? [packet] : [`IPv${packet.family}`, `fragment ${packet.fragment}`, `proto ${packet.proto}`, packet.innerVlan === "none" ? "" : "two tags",
          packet.dport === undefined ? "no port" : "port", packet.tcpFlags === undefined ? "" : "flags", packet.icmpCode === undefined ? "" : "icmp"];
        for (const kind of kinds) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }
    for (const kind of ["not-ip", "bad", "IPv4", "IPv6", "fragment first", "fragment later", "two tags", "no port", "port", "flags", "icmp",
      "proto 0", "proto 1", "proto 6", "proto 17", "proto 43", "proto 44", "proto 47", "proto 51", "proto 58", "proto 60", "proto 132"]) {
      expect(seen.get(kind), kind).toBeGreaterThan(20);
    }
  });

  it("draw the same from the same seed", () => {
    const frames = [1, 1, 2].map((seed) => {
      const one = draw(seed);
      const target = new Uint8Array(FRAME_BYTES);
      const length = new FrameWriter(one.random, framePools(one.pools, drawPolicy(one))).write(target);
      return Buffer.from(target.subarray(0, length)).toString("hex");
    });
    expect(frames[0]).toBe(frames[1]);
    expect(frames[0]).not.toBe(frames[2]);
  });
});
