// Ptacek and Newsham, "Insertion, Evasion, and Denial of Service: Eluding Network Intrusion Detection" (1998), section by
// section:
// what is delivered must be what the receiver reads, and where two readings are possible an event says so.
import { buildFragments, buildFrame, tcpOptions } from "@secuxflow/testkit";
import type { FrameSpec } from "@secuxflow/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { POLICIES, Rig } from "./rig.js";
import type { Policy } from "./rig.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/tcp/test-entry.ts");
});
const MODES = [
  ["acknowledged", 0],
  ["inline", 1],
] as const;
const open = (mode = 0, policy: Policy = "bsd", options?: Parameters<typeof tcpOptions>[0]): Rig => {
  const wasm = fresh();
  wasm.call("setInlineMode", mode);
  wasm.call("setDefaultPolicy", POLICIES.indexOf(policy));
  const t = new Rig(wasm);
  t.connect(options);
  return t;
};
const ATTACK = "GET /attack";
const ackAll = (t: Rig, length = ATTACK.length): void => void t.server({ seq: 1, ack: 1 + length });
/** The attack with a byte in the middle sent by `inject` first: it must not be in the stream. */
const around = (t: Rig, inject: (seq: number) => void): void => {
  t.client({ seq: 1 }, ATTACK.slice(0, 5));
  inject(6);
  t.client({ seq: 6 }, ATTACK.slice(5));
  ackAll(t);
};

describe.each(MODES)("insertion: packets that the receiver refuses (%s)", (_name, mode) => {
  it("bad IP checksum", () => {
    const t = open(mode);
    around(t, (seq) => {
      expect(t.client({ seq }, "XXXXXX", { checksum: "wrong" })).toBe(-1);
      expect(t.events()).toContain("ipv4.checksum_invalid");
    });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("bad TCP checksum", () => {
    const t = open(mode);
    around(t, (seq) => {
      expect(t.client({ seq, checksum: "wrong" }, "XXXXXX")).toBe(-1);
      expect(t.events()).toContain("tcp.checksum_invalid");
    });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("no ACK flag", () => {
    const t = open(mode);
    around(t, (seq) => expect(t.client({ seq, flags: "P" }, "XXXXXX")).toBe(-1));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("no flags at all", () => {
    const t = open(mode);
    around(t, (seq) => expect(t.client({ seq, flags: "" }, "XXXXXX")).toBe(-1));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("an ACK of what was never sent", () => {
    const t = open(mode);
    around(t, (seq) => {
      expect(t.client({ seq, ack: 900_000 }, "XXXXXX")).toBe(-1);
      expect(t.events()).toContain("stream.est_invalid_ack");
    });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("sequence numbers outside the window", () => {
    const t = open(mode);
    around(t, () => {
      expect(t.client({ seq: 5_000_000 }, "XXXXXX")).toBe(-1);
      expect(t.events()).toContain("stream.est_packet_out_of_window");
    });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("wrong IP version, header length and total length", () => {
    const t = open(mode);
    around(t, (seq) => {
      expect(t.client({ seq }, "XXXXXX", { version: 6 })).toBe(1);
      expect(t.client({ seq }, "XXXXXX", { ihl: 3 })).toBe(1);
      expect(t.client({ seq }, "XXXXXX", { totalLength: 400 })).toBe(1);
    });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("TCP header longer than the segment", () => {
    const t = open(mode);
    around(t, (seq) => expect(t.client({ seq, dataOffset: 15 }, "XXXXXX")).toBe(1));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("old timestamps (PAWS)", () => {
    const t = open(mode, "bsd", { mss: 1_460, timestamps: [50_000, 1] });
    t.options = tcpOptions({ timestamps: [50_001, 50_000] });
    around(t, (seq) => {
      expect(t.client({ seq, options: tcpOptions({ timestamps: [1_000, 50_000] }) }, "XXXXXX")).toBe(-1);
      expect(t.events()).toContain("stream.pkt_invalid_timestamp");
    });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("a SYN in the middle of the conversation, with data", () => {
    const t = open(mode);
    around(t, (seq) => {
      expect(t.client({ seq, flags: "SA" }, "XXXXXX")).toBe(-1);
      expect(t.client({ seq: 44_444, flags: "S" }, "XXXXXX")).toBe(-1);
      expect(t.events()).toContain("stream.est_syn_resend_diff_seq");
    });
    expect(t.text(0)).toBe(ATTACK);
  });
});

describe.each(MODES)("insertion: packets that may not arrive (%s)", (_name, mode) => {
  it("a TTL too short: the data that follows is different, and that is said", () => {
    const t = open(mode);
    t.client({ seq: 1 }, "GET /public", { ttl: 2 });
    t.client({ seq: 1 }, ATTACK);
    expect(t.events()).toContain("stream.reassembly_overlap_different_data");
    ackAll(t);
    expect(t.text(0)).toBe("GET /public");
  });

  it("DF on a packet that is too big for the path: likewise", () => {
    const t = open(mode);
    const big = "GET /public".padEnd(1_400, "x");
    t.client({ seq: 1 }, big, { dontFragment: true });
    t.client({ seq: 1 }, ATTACK.padEnd(700, "x"));
    expect(t.events()).toContain("stream.reassembly_overlap_different_data");
  });

  it("source routes and record route are told by the packet's options", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK, { options: Buffer.from([131, 7, 4, 1, 2, 3, 4, 0]) });
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("a bad option: the event says so", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK, { options: Buffer.from([131, 3, 99, 0]) });
    expect(t.events()).toContain("ipv4.opt_malformed");
  });
});

describe.each(MODES)("evasion in the handshake (%s)", (_name, mode) => {
  const start = (): Rig => {
    const wasm = fresh();
    wasm.call("setInlineMode", mode);
    return new Rig(wasm);
  };

  it("data in the SYN, taken by the server", () => {
    const t = start();
    t.client({ seq: 0, flags: "S" }, ATTACK);
    t.server({ seq: 0, flags: "SA", ack: 1 + ATTACK.length });
    t.client({ seq: 1 + ATTACK.length });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("data in the SYN, kept by the server until the handshake is over", () => {
    const t = start();
    t.client({ seq: 0, flags: "S" }, ATTACK);
    t.server({ seq: 0, flags: "SA", ack: 1 });
    t.client({ seq: 1 });
    t.server({ seq: 1, ack: 1 + ATTACK.length });
    expect(t.text(0)).toBe(ATTACK);
  });

  it("other data in the SYN than sent afterwards: the difference is said", () => {
    const t = start();
    t.client({ seq: 0, flags: "S" }, "GET /public");
    t.server({ seq: 0, flags: "SA", ack: 1 });
    t.client({ seq: 1 });
    t.client({ seq: 1 }, ATTACK);
    expect(t.events()).toContain("stream.reassembly_overlap_different_data");
  });

  it("no handshake at all: nothing is followed", () => {
    const t = start();
    expect(t.client({ seq: 1 }, ATTACK)).toBe(-2);
    ackAll(t);
    expect(t.text(0)).toBe("");
  });

  it("a SYN with another number before the real one", () => {
    const t = start();
    t.client({ seq: 700_000, flags: "S" });
    t.client({ seq: 0, flags: "S" });
    t.server({ seq: 0, flags: "SA", ack: 1 });
    t.client({ seq: 1 });
    t.client({ seq: 1 }, ATTACK);
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("a SYN with another number after the real one, before its answer", () => {
    const t = start();
    t.client({ seq: 0, flags: "S" });
    t.client({ seq: 700_000, flags: "S" });
    t.server({ seq: 0, flags: "SA", ack: 1 });
    t.client({ seq: 1 });
    t.client({ seq: 1 }, ATTACK);
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("a forged RST of the server that does not answer the SYN", () => {
    const t = start();
    t.client({ seq: 0, flags: "S" });
    expect(t.server({ seq: 0, flags: "RA", ack: 4_321 })).toBe(-1);
    t.server({ seq: 0, flags: "SA", ack: 1 });
    t.client({ seq: 1 });
    t.client({ seq: 1 }, ATTACK);
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("the SYN/ACK with a wrong ACK first", () => {
    const t = start();
    t.client({ seq: 0, flags: "S" });
    expect(t.server({ seq: 0, flags: "SA", ack: 500 })).toBe(-1);
    expect(t.events()).toContain("stream.3whs_synack_with_wrong_ack");
    t.server({ seq: 0, flags: "SA", ack: 1 });
    t.client({ seq: 1 });
    t.client({ seq: 1 }, ATTACK);
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });
});

describe.each(MODES)("evasion in the stream (%s)", (_name, mode) => {
  it("one byte a segment", () => {
    const t = open(mode);
    [...ATTACK].forEach((byte, i) => t.client({ seq: 1 + i }, byte));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("one segment out of order", () => {
    const t = open(mode);
    t.client({ seq: 4 }, ATTACK.slice(3));
    t.client({ seq: 1 }, ATTACK.slice(0, 3));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("all segments backwards", () => {
    const t = open(mode);
    for (let i = ATTACK.length - 1; i >= 0; i--) t.client({ seq: 1 + i }, ATTACK.charAt(i));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("segments twice", () => {
    const t = open(mode);
    for (const at of [0, 0, 3, 3, 6, 0, 6]) t.client({ seq: 1 + at }, ATTACK.slice(at, at + 3));
    t.client({ seq: 10 }, ATTACK.slice(9));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
    t.client({ seq: 1 }, ATTACK.slice(0, 3));
    expect(t.events()).toContain("stream.pkt_retransmission");
    expect(t.text(0)).toBe(ATTACK);
  });

  it("segments that overlap with the same data", () => {
    const t = open(mode);
    for (const at of [6, 4, 2, 0]) {
      t.client({ seq: 1 + at }, ATTACK.slice(at, at + 6));
      expect(t.events()).not.toContain("stream.reassembly_overlap_different_data");
    }
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("sequence numbers that wrap", () => {
    const wasm = fresh();
    wasm.call("setInlineMode", mode);
    const t = new Rig(wasm);
    t.isn.client = 0xffff_fffa;
    t.isn.server = 0xffff_fffe;
    t.connect();
    for (const at of [6, 3, 0]) t.client({ seq: 1 + at }, ATTACK.slice(at, at + 3));
    t.client({ seq: 10 }, ATTACK.slice(9));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("bytes far outside between the real ones", () => {
    const t = open(mode);
    [...ATTACK].forEach((byte, i) => {
      t.client({ seq: 1 + i }, byte);
      t.client({ seq: 70_000_000 + i }, "\0");
    });
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("the urgent pointer: urgent data counts as data", () => {
    const t = open(mode);
    t.client({ seq: 1, flags: "PAU", urgent: 3 }, ATTACK);
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("keep-alives with a byte before", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK.slice(0, 5));
    t.server({ seq: 1, ack: 6 });
    t.client({ seq: 5 }, "X");
    t.client({ seq: 6 }, ATTACK.slice(5));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("other data for what was acknowledged", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK);
    ackAll(t);
    expect(t.client({ seq: 1 }, "XXXXXXXXXX")).toBe(-1);
    expect(t.events()).toContain("stream.est_pkt_before_last_ack");
    expect(t.text(0)).toBe(ATTACK);
  });

  it("window updates that are ahead of both sides", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK);
    expect(t.server({ seq: 50, ack: 900, window: 1 })).toBe(-1);
    expect(t.events()).toContain("stream.pkt_bad_window_update");
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });
});

describe("overlaps with other data, as each system reads them", () => {
  // New data that starts before, at or after old data: [policy, before, at the same place, same place and longer, after and
  // longer].
  it.each<[Policy, string, string, string, string]>([
    ["bsd", "nnnn", "oooo", "oooonn", "oooonn"],
    ["linux", "nnnn", "oooo", "nnnnnn", "oooonn"],
    ["old-linux", "nnnn", "nnnn", "nnnnnn", "oooonn"],
    ["windows", "nnnn", "oooo", "oooonn", "oooonn"],
    ["vista", "nnoooo", "oooo", "oooonn", "oooonn"],
    ["solaris", "nnnnoo", "nnnn", "nnnnnn", "oonnnn"],
    ["hpux11", "nnnnoo", "nnnn", "nnnnnn", "oonnnn"],
    ["first", "nnoooo", "oooo", "oooonn", "oooonn"],
    ["last", "nnnnoo", "nnnn", "nnnnnn", "oonnnn"],
  ])("%s", (policy, before, same, longer, after) => {
    const play = (old: [number, number], young: [number, number]): string => {
      const t = open(0, policy);
      t.client({ seq: old[0] }, "o".repeat(old[1]));
      t.client({ seq: young[0] }, "n".repeat(young[1]));
      expect(t.events()).toContain("stream.reassembly_overlap_different_data");
      t.server({ seq: 1, ack: Math.max(old[0] + old[1], young[0] + young[1]) });
      return t.text(0);
    };
    expect(play([1, 4], [1, 4])).toBe(same);
    expect(play([1, 4], [1, 6])).toBe(longer);
    expect(play([1, 4], [3, 4])).toBe(after);
    // Before: old [3, 7), new [1, 5).
    const expected = { bsd: "nnnnoo", linux: "nnnnoo", "old-linux": "nnnnoo", windows: "nnnnoo", vista: before, first: before,
      last: before };
    expect(play([3, 4], [1, 4])).toBe((expected as Partial<Record<Policy, string>>)[policy] ?? "nnoooo");
  });
});

describe.each(MODES)("evasion at the end (%s)", (_name, mode) => {
  it("an RST outside the window is none", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK.slice(0, 5));
    expect(t.client({ seq: 3_000_000, flags: "R" })).toBe(-1);
    t.client({ seq: 6 }, ATTACK.slice(5));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("an RST with a bad checksum is none", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK.slice(0, 5));
    expect(t.client({ seq: 6, flags: "R", checksum: "wrong" })).toBe(-1);
    t.client({ seq: 6 }, ATTACK.slice(5));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("a right RST that never reached the receiver: the conversation goes on, and that is said", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK.slice(0, 5));
    expect(t.client({ seq: 6, flags: "R" }, "", { ttl: 1 })).toBe(0);
    t.client({ seq: 6 }, ATTACK.slice(5));
    expect(t.events()).toContain("stream.suspected_rst_inject");
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("a right RST, then a new conversation on the same ports", () => {
    const t = open(mode);
    t.client({ seq: 1 }, "harmless");
    t.client({ seq: 9, flags: "R" });
    t.isn.client = 77_000_000;
    t.isn.server = 99_000_000;
    t.connect();
    t.client({ seq: 1 }, ATTACK);
    ackAll(t);
    expect(t.text(0)).toBe(`harmless${ATTACK}`);
  });

  it("a FIN that never reached the receiver: data behind it counts", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK.slice(0, 5));
    t.client({ seq: 6, flags: "FA" }, "", { ttl: 1 });
    t.client({ seq: 6 }, ATTACK.slice(5));
    ackAll(t);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("a FIN before the data that it follows", () => {
    const t = open(mode);
    t.client({ seq: 1 }, ATTACK.slice(0, 5));
    t.client({ seq: 1 + ATTACK.length, flags: "FA" });
    t.client({ seq: 6 }, ATTACK.slice(5));
    t.server({ seq: 1, ack: 2 + ATTACK.length });
    expect(t.text(0)).toBe(ATTACK);
    expect(t.ended(0)).toBe(true);
  });

  it("data in the FIN", () => {
    const t = open(mode);
    t.client({ seq: 1, flags: "FPA" }, ATTACK);
    t.server({ seq: 1, ack: 2 + ATTACK.length });
    expect(t.text(0)).toBe(ATTACK);
    expect(t.ended(0)).toBe(true);
  });

  it("a FIN and an RST where there is no conversation are said, and open none", () => {
    const wasm = fresh();
    wasm.call("setInlineMode", mode);
    const t = new Rig(wasm);
    t.client({ seq: 1, flags: "FA" });
    expect(t.events()).toContain("stream.fin_but_no_session");
    t.client({ seq: 1, flags: "R" });
    expect(t.events()).toContain("stream.rst_but_no_session");
  });
});

describe.each(MODES)("evasion with fragments (%s)", (_name, mode) => {
  const packet = (t: Rig): FrameSpec => t.spec("client", { seq: 1 }, ATTACK, { dontFragment: false, id: 99 });
  const send = (t: Rig, frames: readonly (Uint8Array | undefined)[]): void => {
    for (const frame of frames) if (frame !== undefined) t.frame(frame);
    ackAll(t);
  };
  const at = (list: readonly Buffer[], ...order: number[]): (Buffer | undefined)[] => order.map((i) => list[i]);

  it("of 8 bytes", () => {
    const t = open(mode);
    send(t, buildFragments(packet(t), 8));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("of 24 bytes", () => {
    const t = open(mode);
    send(t, buildFragments(packet(t), 24));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("one out of order", () => {
    const t = open(mode);
    send(t, at(buildFragments(packet(t), 8), 0, 2, 1, 3));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("one twice", () => {
    const t = open(mode);
    send(t, at(buildFragments(packet(t), 8), 0, 1, 1, 2, 3));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("the last one first", () => {
    const t = open(mode);
    send(t, at(buildFragments(packet(t), 8), 3, 0, 1, 2));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("all backwards, each twice", () => {
    const t = open(mode);
    send(t, at(buildFragments(packet(t), 8), 3, 3, 2, 2, 1, 1, 0, 0));
    expect(t.text(0)).toBe(ATTACK);
  });

  it.each<[string, number, "old" | "new"]>([
    ["first", 0, "old"],
    ["last", 1, "new"],
    ["bsd", 2, "old"],
    ["bsd-right", 3, "new"],
    ["linux", 4, "new"],
    ["windows", 5, "old"],
    ["solaris", 6, "old"],
  ])("at the same place with other data: %s reads one, and that is said", (_policy, number, wins) => {
    const t = open(mode);
    t.wasm.call("setFragmentPolicy", number);
    const real = buildFragments({ ...packet(t), payload: `${ATTACK} HTTP/1.0` }, 8);
    const other = buildFragments({ ...packet(t), payload: "GET /public HTTP/1.0" }, 8);
    const [first, second] = wins === "old" ? [real[3], other[3]] : [other[3], real[3]];
    for (const frame of [...at(real, 0, 1, 2), first, second]) t.frame(frame ?? Buffer.alloc(0));
    expect(t.events()).toEqual(expect.arrayContaining(["ipv4.frag_overlap", "ipv4.frag_different_data"]));
    t.frame(real[4] ?? Buffer.alloc(0));
    ackAll(t, 20);
    expect(t.text(0)).toBe(`${ATTACK} HTTP/1.0`);
  });

  it("a fragment with a bad header checksum is none", () => {
    const t = open(mode);
    const real = buildFragments(packet(t), 8);
    const forged = Buffer.from(real[2] ?? []);
    forged.write("XXXXXXXX", 34, "latin1");
    forged.writeUInt16BE(0x1234, 24);
    send(t, [real[0], real[1], forged, real[2], real[3]]);
    expect(t.text(0)).toBe(ATTACK);
  });

  it("that complete only after the timeout are forgotten, and that is said", () => {
    const t = open(mode);
    const real = buildFragments(packet(t), 8);
    t.frame(real[0] ?? Buffer.alloc(0));
    t.wait(61_000);
    t.frame(real[1] ?? Buffer.alloc(0));
    expect(t.events()).toContain("ipv4.frag_timeout");
    send(t, at(real, 0, 2, 3));
    expect(t.text(0)).toBe(ATTACK);
  });

  it("beyond 65,535 bytes are refused, and that is said", () => {
    const t = open(mode);
    t.frame(buildFrame({ ipv4: { src: "10.0.0.1", dst: "10.0.0.2", id: 5, protocol: 6, fragmentOffset: 65_520 },
      payload: "x".repeat(100) }));
    expect(t.events()).toContain("ipv4.frag_pkt_too_large");
  });

  it("in IPv6", () => {
    const t = open(mode);
    const frames = buildFragments({ ipv6: { src: "2001:db8::1", dst: "2001:db8::2" }, tcp: { srcPort: 7, dstPort: 80,
      flags: "S" } }, 8);
    const before = t.wasm.call("flowsActive");
    for (const frame of [...frames].reverse()) t.frame(frame);
    expect(t.wasm.call("flowsActive")).toBe(before + 1);
  });
});
