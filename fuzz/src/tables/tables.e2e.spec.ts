import { Lab, needs, type Capture, type Namespace } from "@secuxflow/testkit";
import { XdpAction, type BpfLink } from "libbpf-ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { policyDocument } from "../documents.js";
import { AgentPlane } from "../kernel/agent-plane.js";
import type { PolicyFields, RuleFields } from "../model/filter.js";
import { bytesOf, moved, tablePolicy } from "./frames.js";
import { ACTION_TABLE, IN, MATCH_TABLE } from "./match-table.js";

/** The real program, whose policies get ids that were never used. */
class Tables {
  readonly plane: AgentPlane;
  #used = 0;

  /** @param ifindex that of the interface which the packets come in by */
  constructor(ifindex: number) {
    this.plane = new AgentPlane({ object: "secuxflow", ifindexes: (name) => (name === IN ? [ifindex] : []) });
  }

  /** Puts rules in force. @returns how often each has counted, in their order, whenever it is asked */
  async apply(rules: readonly Partial<RuleFields>[], settled: boolean): Promise<() => number[]> {
    const policy: PolicyFields = moved(tablePolicy(rules), this.#used);
    this.#used += rules.length;
    await this.plane.apply(policyDocument(policy), settled);
    return () => policy.rules.map(({ id }) => this.plane.ruleCounters().get(id)?.packets ?? -1);
  }
}

const LOOPBACK = 1;
const counted = (packets: (typeof ACTION_TABLE)[number]["packets"], rules: number): number[] =>
  Array.from({ length: rules }, (_, index) => packets.filter(({ counts }) => counts.includes(index + 1)).length);

needs(describe, "kernel")("packet tables by test runs", () => {
  let tables: Tables;
  beforeAll(() => { tables = new Tables(LOOPBACK); });
  afterAll(() => tables.plane.close());
  const verdict = (data: Uint8Array): number => tables.plane.pinned.object.program("secuxflow").testRun({ data, dataOutSize: 0 }).retval;

  for (const settled of [false, true]) {
    it.each(MATCH_TABLE)(`${settled ? "image" : "overlay"}: $name`, async ({ rule, matches, nearly, unseen = [] }) => {
      const dropping = await tables.apply([rule], settled);
      expect(matches.map((sample) => verdict(bytesOf(sample)))).toEqual(matches.map(() => XdpAction.DROP));
      expect([...nearly, ...unseen].map((sample) => verdict(bytesOf(sample)))).toEqual([...nearly, ...unseen].map(() => XdpAction.PASS));
      expect(dropping()).toEqual([matches.length]);
      const passing = await tables.apply([{ ...rule, action: "pass", priority: 1 }, {}], settled);
      expect(matches.map((sample) => verdict(bytesOf(sample)))).toEqual(matches.map(() => XdpAction.PASS));
      expect(passing()).toEqual([matches.length, 0]);
    });

    it.each(ACTION_TABLE)(`${settled ? "image" : "overlay"}: $name`, async ({ rules, packets }) => {
      const counters = await tables.apply(rules, settled);
      const verdicts = packets.map(({ frame }) => verdict(bytesOf(frame)));
      expect(verdicts.map((action) => action === Number(XdpAction.PASS))).toEqual(packets.map(({ passes }) => passes));
      expect(counters()).toEqual(counted(packets, rules.length));
    });
  }
});

needs(describe, "kernel")("packet tables over a veth pair", () => {
  let lab: Lab;
  let sender: Namespace;
  let tables: Tables;
  let capture: Capture;
  const links: BpfLink[] = [];

  beforeAll(async () => {
    lab = await Lab.create({ prefix: "sxfz" });
    sender = await lab.ns("sender");
    const host = await lab.ns("host");
    const { b } = await lab.link({ a: { ns: sender, dev: "out0" }, b: { ns: host, dev: IN }, gro: false });
    tables = new Tables(b.ifindex);
    const { object } = tables.plane.pinned;
    links.push(object.program("secuxflow").attachXdp(IN, { netns: host.path, mode: "native" }));
    links.push(object.program("secuxflow_passthrough").attachXdp("out0", { netns: sender.path, mode: "native" }));
    capture = await host.capture(IN, { filter: ({ direction }) => direction === "in" });
  });
  afterAll(async () => {
    for (const link of links) link.close();
    await capture.stop();
    await tables.plane.close();
    await lab.destroy();
  });

  const END = Buffer.from("ff".repeat(6) + "0200000000ee88b5" + "00".repeat(46), "hex");
  let ends = 0;

  /** Sends frames and then one that every policy lets pass, and says which arrived before it. */
  const through = async (frames: readonly Uint8Array[]): Promise<string[]> => {
    const before = capture.frames.length;
    const end = Buffer.from(END);
    end.writeUInt32BE(++ends, 20);
    await sender.send("out0", [...frames, end]);
    await capture.waitFor(({ data }) => data.equals(end), 20_000, "the last frame");
    return capture.frames.slice(before).filter(({ data }) => !data.equals(end)).map(({ data }) => data.toString("hex"));
  };
  const hex = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));

  it.each(MATCH_TABLE)("$name", async ({ rule, matches, nearly, unseen = [] }) => {
    const counters = await tables.apply([rule], true);
    const [dropped, passed] = [matches.map(bytesOf), nearly.map(bytesOf)];
    expect(await through([...dropped, ...unseen.map(bytesOf), ...passed])).toEqual(hex(passed));
    expect(counters()).toEqual([matches.length]);
  });

  it.each(ACTION_TABLE)("$name", async ({ rules, packets }) => {
    const counters = await tables.apply(rules, true);
    const arrived = await through(packets.map(({ frame }) => bytesOf(frame)));
    expect(arrived).toEqual(hex(packets.filter(({ passes }) => passes).map(({ frame }) => bytesOf(frame))));
    expect(counters()).toEqual(counted(packets, rules.length));
  });

  it("answers what it rejects: RST for TCP, port unreachable for UDP", async () => {
    const answers = await sender.capture("out0", { filter: ({ direction }) => direction === "in" });
    await tables.apply([{ action: "reject" }], true);
    const [web, dns] = ACTION_TABLE[0]?.packets.map(({ frame }) => bytesOf(frame)) ?? [];
    expect(await through([web, dns].filter((frame) => frame !== undefined))).toEqual([]);
    const [reset, unreachable] = await answers.waitForCount(2, 20_000);
    await answers.stop();
    // Protocol, and TCP flags or ICMP type and code, of IPv4 without options.
    expect([reset?.data[23], (reset?.data[47] ?? 0) & 4]).toEqual([6, 4]);
    expect([unreachable?.data[23], unreachable?.data[34], unreachable?.data[35]]).toEqual([1, 3, 3]);
  });
});
