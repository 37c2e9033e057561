import { tcpSession, buildFrame, tcpOptions } from "@secuxflow/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { Rig } from "./rig.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/tcp/test-entry.ts");
});
const rig = (set: (wasm: Compiled) => void = () => undefined): Rig => {
  const wasm = fresh();
  set(wasm);
  return new Rig(wasm);
};
const inline = (wasm: Compiled): void => void wasm.call("setInlineMode", 1);

describe("a whole conversation", () => {
  const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const response = "HTTP/1.1 200 OK\r\n\r\n" + "x".repeat(5_000);
  const session = (handshake = true) => [
    ...tcpSession({
      client: { ip: "10.0.0.1", port: 40_000, isn: 0xffff_fff0 },
      server: { ip: "10.0.0.2", port: 80, isn: 0xffff_ff00 },
      handshake,
      turns: [
        { from: "client", data: request, splitAt: [3, 10], order: [0, 2, 1, 1] },
        { from: "server", data: response, order: [1, 0, 3, 2] },
      ],
    }),
  ];

  it.each([0, 1])("comes out in order and complete, and ends (inline %i), across the wrap of sequence numbers", (mode) => {
    const t = rig((wasm) => wasm.call("setInlineMode", mode));
    for (const { frame } of session()) expect(t.frame(frame)).toBe(0);
    expect(t.text(0)).toBe(request);
    expect(t.text(1)).toBe(response);
    expect([t.ended(0), t.ended(1)]).toEqual([true, true]);
    expect(t.wasm.call("windowTrouble")).toBe(0);
    expect(t.log().some(({ kind }) => kind === "gap")).toBe(false);
  });

  it("is not followed from its middle, unless midstream is on", () => {
    const without = rig();
    for (const { frame } of session(false)) without.frame(frame);
    without.finish();
    expect(without.text(0) + without.text(1)).toBe("");
    const t = rig((wasm) => wasm.call("setMidstream", 1));
    for (const { frame } of session(false)) t.frame(frame);
    expect(t.text(0)).toBe(request);
    expect(t.text(1)).toBe(response);
  });

  it("gives back all memory at its end", () => {
    const t = rig();
    const before = t.wasm.call("memoryTaken");
    for (const { frame } of session()) t.frame(frame);
    expect(t.wasm.call("memoryTaken")).toBeGreaterThan(before);
    t.finish();
    expect(t.wasm.call("memoryTaken")).toBe(before);
    expect(t.wasm.call("flowsActive")).toBe(0);
  });
});

describe("when data is handed on", () => {
  it("is after the ACK without inline", () => {
    const t = rig();
    t.connect();
    t.client({ seq: 1 }, "hello");
    expect(t.text(0)).toBe("");
    t.server({ seq: 1, ack: 3 });
    expect(t.text(0)).toBe("he");
    t.server({ seq: 1, ack: 6 });
    expect(t.text(0)).toBe("hello");
  });

  it("is at once inline", () => {
    const t = rig(inline);
    t.connect();
    t.client({ seq: 1 }, "hello");
    expect(t.text(0)).toBe("hello");
  });

  it("is at the flow's end for what was never acknowledged", () => {
    const t = rig();
    t.connect();
    t.client({ seq: 1 }, "hello");
    t.finish();
    expect(t.text(0)).toBe("hello");
    expect(t.log().at(-1)).toEqual({ kind: "flow-end", reason: 3 });
  });

  it("leaves a gap where the receiver has more than we saw", () => {
    const t = rig();
    t.connect();
    t.client({ seq: 1 }, "ab");
    t.client({ seq: 10 }, "xyz");
    t.server({ seq: 1, ack: 13 });
    expect(t.text(0)).toBe("ab<7>xyz");
    expect(t.events()).toContain("stream.reassembly_seq_gap");
  });

  it("waits for data that was acknowledged before it was seen", () => {
    const t = rig();
    t.connect();
    t.server({ seq: 1, ack: 11 });
    t.client({ seq: 1 }, "hello");
    expect(t.text(0)).toBe("hello");
    t.client({ seq: 6 }, "world");
    expect(t.text(0)).toBe("helloworld");
    expect(t.events()).not.toContain("stream.reassembly_seq_gap");
  });

  it("stops at the depth, and says so", () => {
    const t = rig((wasm) => wasm.call("setReassemblyDepth", 8));
    t.connect();
    t.client({ seq: 1 }, "12345");
    t.server({ seq: 1, ack: 6 });
    t.client({ seq: 6 }, "67890");
    t.server({ seq: 1, ack: 11 });
    expect(t.text(0)).toBe("12345678");
    expect(t.ended(0)).toBe(true);
  });

  it("stops when the engine wants no more, with the state still tracked", () => {
    const t = rig(inline);
    t.wasm.call("setStopAfter", 5);
    t.connect();
    t.client({ seq: 1 }, "12345");
    expect(t.client({ seq: 6 }, "67890")).toBe(0);
    expect(t.text(0)).toBe("12345");
    expect(t.client({ seq: 5_000_000 }, "x")).toBe(-1);
  });
});

describe("handshakes", () => {
  it("of both sides at once", () => {
    const t = rig();
    t.client({ seq: 0, flags: "S" });
    t.server({ seq: 0, flags: "S" });
    t.client({ seq: 0, flags: "SA", ack: 1 });
    t.server({ seq: 0, flags: "SA", ack: 1 });
    t.server({ seq: 1, ack: 1 });
    expect(t.wasm.call("tcpState")).toBe(4);
    t.client({ seq: 1 }, "EVIL");
    t.server({ seq: 1, ack: 5 });
    expect(t.text(0)).toBe("EVIL");
  });

  it("with data in the SYN that the server takes", () => {
    const t = rig();
    const options = Buffer.from([34, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
    t.client({ seq: 0, flags: "S", options }, "Hello!");
    expect(t.server({ seq: 0, flags: "SA", ack: 7 })).toBe(0);
    expect(t.text(0)).toBe("Hello!");
    t.client({ seq: 7 });
    t.client({ seq: 7 }, " more");
    t.server({ seq: 1, ack: 12 });
    expect(t.text(0)).toBe("Hello! more");
  });

  it("with data in the SYN that the server ignores", () => {
    const t = rig();
    const options = Buffer.from([34, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
    t.client({ seq: 0, flags: "S", options }, "Hello!");
    expect(t.server({ seq: 0, flags: "SA", ack: 1 })).toBe(0);
    expect(t.events()).toContain("stream.3whs_synack_tfo_data_ignored");
    t.client({ seq: 1 }, "Hello!");
    t.server({ seq: 1, ack: 7 });
    expect(t.text(0)).toBe("Hello!");
  });

  it("refuses an ACK that acknowledges what the server did not send", () => {
    const t = rig();
    t.client({ seq: 0, flags: "S" });
    t.server({ seq: 0, flags: "SA" });
    expect(t.client({ seq: 1, ack: 700 })).toBe(-1);
    expect(t.events()).toContain("stream.3whs_right_seq_wrong_ack_evasion");
    expect(t.client({ seq: 9_999_999, ack: 700 })).toBe(-1);
    expect(t.events()).toContain("stream.3whs_wrong_seq_wrong_ack");
  });

  it("takes the SYN/ACK that the client acknowledges when there were several", () => {
    const t = rig();
    t.client({ seq: 0, flags: "S" });
    t.server({ seq: 0, flags: "SA" });
    t.server({ seq: 777_000, flags: "SA" });
    expect(t.events()).toContain("stream.3whs_synack_resend_with_diff_seq");
    expect(t.client({ seq: 1, ack: 777_001 })).toBe(0);
    t.server({ seq: 777_001 }, "data");
    t.client({ seq: 1, ack: 777_005 });
    expect(t.text(1)).toBe("data");
  });

  it("names each wrong SYN and SYN/ACK", () => {
    const t = rig();
    t.client({ seq: 0, flags: "S" });
    t.client({ seq: 0, flags: "SA" });
    expect(t.events()).toContain("stream.3whs_synack_in_wrong_direction");
    t.server({ seq: 0, flags: "SA", ack: 99 });
    expect(t.events()).toContain("stream.3whs_synack_with_wrong_ack");
    t.server({ seq: 0, flags: "SA" });
    t.client({ seq: 0, flags: "SA" });
    expect(t.events()).toContain("stream.3whs_synack_toserver_on_syn_recv");
    t.server({ seq: 0, flags: "SA", ack: 55 });
    expect(t.events()).toContain("stream.3whs_synack_resend_with_different_ack");
    t.client({ seq: 44, flags: "S" });
    expect(t.events()).toContain("stream.3whs_syn_resend_diff_seq_on_syn_recv");
    t.server({ seq: 44, flags: "S" });
    expect(t.events()).toContain("stream.3whs_syn_toclient_on_syn_recv");
    t.client({ seq: 1 });
    t.client({ seq: 0, flags: "S" });
    expect(t.events()).toContain("stream.est_syn_resend");
    t.client({ seq: 3, flags: "S" });
    expect(t.events()).toContain("stream.est_syn_resend_diff_seq");
    t.server({ seq: 3, flags: "S" });
    expect(t.events()).toContain("stream.est_syn_toclient");
    expect(t.server({ seq: 0, flags: "SA" })).toBe(0);
    t.client({ seq: 1 }, "data");
    t.server({ seq: 1, ack: 5 });
    t.server({ seq: 0, flags: "SA" });
    expect(t.events()).toContain("stream.est_synack_resend");
    t.server({ seq: 9, flags: "SA" });
    expect(t.events()).toContain("stream.est_synack_resend_with_diff_seq");
    t.server({ seq: 0, flags: "SA", ack: 9 });
    expect(t.events()).toContain("stream.est_synack_resend_with_different_ack");
    t.client({ seq: 0, flags: "SA" });
    expect(t.events()).toContain("stream.est_synack_toserver");
  });

  it("follows one side alone with async-oneside", () => {
    const t = rig((wasm) => wasm.call("setAsyncOneside", 1));
    t.client({ seq: 0, flags: "S" });
    expect(t.client({ seq: 1 })).toBe(0);
    t.client({ seq: 1 }, "one ");
    t.client({ seq: 5 }, "sided");
    expect(t.text(0)).toBe("one sided");
  });

  it("drops data of the server before the handshake is over, inline", () => {
    const t = rig(inline);
    t.client({ seq: 0, flags: "S" });
    t.server({ seq: 0, flags: "SA" });
    expect(t.server({ seq: 1 }, "inject")).toBe(-1);
    expect(t.events()).toContain("stream.3whs_ack_data_inject");
    expect(t.wasm.call("dropReason", 0)).toBe(1);
  });
});

describe("exception policies", () => {
  const [drop, pass, bypass] = [1 << 20, 1 << 19, 1 << 14];
  it.each([
    ["drop-packet", 1, drop | bypass, 2],
    ["drop-flow", 2, drop | bypass, 2],
    ["pass-flow", 4, pass | bypass, 0],
    ["bypass", 5, pass | bypass, 0],
    ["ignore", 0, 0, 0],
  ])("for conversations seen from their middle: %s", (_name, policy, flags, reason) => {
    const t = rig((wasm) => wasm.call("setMidstreamPolicy", policy));
    t.client({ seq: 1 }, "data");
    expect(t.wasm.call("packetFlags", 0) & (drop | pass | bypass)).toBe(flags);
    expect(t.wasm.call("dropReason", 0)).toBe(reason);
  });

  it("for a full flow table", () => {
    const t = rig((wasm) => wasm.call("setFlowMemcapPolicy", 2, 1));
    t.client({ seq: 0, flags: "S" });
    expect(t.wasm.call("packetFlags", 0) & drop).toBe(drop);
    expect(t.wasm.call("dropReason", 0)).toBe(5);
    expect(t.wasm.call("flowsActive")).toBe(0);
  });
});

describe("windows", () => {
  it("are scaled when both sides can", () => {
    const t = rig();
    t.connect({ mss: 1_460, windowScale: 7 });
    t.server({ seq: 1, window: 1_000 });
    expect(t.client({ seq: 100_001 }, "far")).toBe(0);
    expect(t.client({ seq: 200_001 }, "too far")).toBe(-1);
    expect(t.events()).toContain("stream.est_packet_out_of_window");
  });

  it("are not when only one side can", () => {
    const t = rig();
    t.client({ seq: 0, flags: "S", options: tcpOptions({ windowScale: 7 }) });
    t.server({ seq: 0, flags: "SA", window: 1_000 });
    t.client({ seq: 1 });
    expect(t.client({ seq: 100_001 }, "far")).toBe(-1);
  });

  it("may shrink to nothing and be probed", () => {
    const t = rig();
    t.connect();
    t.client({ seq: 1 }, "abc");
    t.server({ seq: 1, ack: 4, window: 0 });
    t.client({ seq: 3 }, "c");
    t.server({ seq: 1, ack: 4, window: 1_000 });
    t.client({ seq: 4 }, "def");
    t.server({ seq: 1, ack: 7 });
    expect(t.text(0)).toBe("abcdef");
  });
});

describe("flows", () => {
  it("start anew when a SYN follows the end of the one before", () => {
    const t = rig();
    t.connect();
    t.client({ seq: 1 }, "first");
    t.server({ seq: 1, ack: 6 });
    t.client({ seq: 6, flags: "FA" });
    t.server({ seq: 1, ack: 7, flags: "FA" });
    t.client({ seq: 7, ack: 2 });
    const id = t.wasm.call("packetFlowId", 0);
    t.isn.client = 900_000;
    t.isn.server = 800_000;
    t.connect();
    expect(t.wasm.call("packetFlowId", 0)).toBe(id + 1);
    t.client({ seq: 1 }, "second");
    t.server({ seq: 1, ack: 7 });
    expect(t.text(0)).toBe("firstsecond");
  });

  it("time out by their state", () => {
    const t = rig();
    t.connect();
    t.wait(599_000);
    t.client({ seq: 1 }, "alive");
    expect(t.wasm.call("flowsExpired")).toBe(0);
    t.wait(700_000);
    t.client({ seq: 6 }, "too late");
    expect(t.wasm.call("flowsExpired")).toBe(1);
    expect(t.text(0)).toBe("alive");
  });

  it("are evicted, oldest first, when the table is full", () => {
    const wasm = fresh();
    const t = new Rig(wasm, 16);
    for (let port = 0; port < 40; port++) {
      t.frame(
        buildFrame({
          ipv4: { src: "10.0.0.1", dst: "10.0.0.2" },
          tcp: { srcPort: 1_000 + port, dstPort: 80, flags: "S" },
        }),
      );
    }
    expect(wasm.call("flowsActive")).toBe(16);
    expect(wasm.call("flowsEvicted")).toBe(24);
  });

  it("belong to the conversation that an ICMP error quotes", () => {
    const t = rig();
    t.connect();
    const id = t.wasm.call("packetFlowId", 0);
    const quoted = buildFrame(t.spec("client", { seq: 1 }, "hello world")).subarray(14);
    t.frame(buildFrame({ ipv4: { src: "10.9.9.9", dst: "10.0.0.1" }, icmp: { type: 3, code: 1 }, payload: quoted.subarray(0,
      28) }));
    expect(t.wasm.call("packetFlowId", 0)).toBe(id);
    expect(t.wasm.call("packetDir", 0)).toBe(1);
  });

  it("are separate by VLAN, unless that is off", () => {
    const syn = (vid: number) =>
      buildFrame({
        vlan: [{ vid }],
        ipv4: { src: "10.0.0.1", dst: "10.0.0.2" },
        tcp: { srcPort: 1_000, dstPort: 80, flags: "S" },
      });
    const t = rig();
    t.frame(syn(1));
    t.frame(syn(2));
    expect(t.wasm.call("flowsActive")).toBe(2);
    const u = rig((wasm) => wasm.call("setVlanTracking", 0));
    u.frame(syn(1));
    u.frame(syn(2));
    expect(u.wasm.call("flowsActive")).toBe(1);
  });
});
