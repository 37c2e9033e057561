import { readFileSync } from "node:fs";
import { Limit, RECORD_BYTES, RECORD_DATA_LEN, RECORD_DST, RECORD_FLOW_ID, RECORD_MODULES, RECORD_STREAM_OFFSET } from "@secuxflow/inspect-abi";
import { POLICY_LIMITS } from "@secuxflow/contracts";
import { readObjectSpec, structLayoutOf } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import * as image from "../../classifier/layout.js";
import { requireBpfObject } from "../../testing/bpf-object.js";
import {
  CONTROL, COUNTER, DETAIL, ENTRY, FLAG, FRAGMENT, HEAD, HEAD_FLAG, IMAGE_HEAD, KERNEL_LIMITS, KNOWN, OPTION, POLICY_VALUE_BYTES, RECORD, RULE, TOTAL, VERDICT,
} from "./layout.js";

const spec = readObjectSpec(requireBpfObject());

/** Offsets of a C struct as BTF has them, by member, with the size. */
const cLayout = (name: string): Record<string, number> => {
  const layout = structLayoutOf(spec, name);
  return { size: layout.size, ...Object.fromEntries(layout.members.map((member) => [member.name, member.offset])) };
};

describe("layout of bpf/include/layout.h", () => {
  it.each([
    ["rule", RULE], ["detail", DETAIL], ["entry", ENTRY], ["policy_head", HEAD], ["control", CONTROL], ["counter", COUNTER],
  ])("struct %s, every member", (name, offsets) => {
    const { pad: _, ...members } = cLayout(name);
    const { pad: __, ...ours } = { pad: 0, ...offsets };
    expect(ours).toEqual(members);
  });

  it("images, as the classifier writes them (which compares itself with bpf/include/image.h)", () => {
    expect(image.RECORD).toMatchObject({ deadFrom: RULE.dead_from, marks: RECORD.marks, detail: RECORD.detail, id: RECORD.detail + DETAIL.id });
    expect(image.RECORD_BYTES).toBe(RECORD.size);
    expect(image.HEAD).toMatchObject({ magic: IMAGE_HEAD.magic, bytes: IMAGE_HEAD.bytes, records: IMAGE_HEAD.records, recordBase: IMAGE_HEAD.record_base });
  });

  it("the ABI record in the ring buffer", () => {
    expect(cLayout("sxf_record")).toMatchObject({
      size: RECORD_BYTES, flow_id: RECORD_FLOW_ID, stream_offset: RECORD_STREAM_OFFSET, data_len: RECORD_DATA_LEN, modules: RECORD_MODULES, dst: RECORD_DST,
    });
    expect(Limit.PARTITIONS).toBe(64);
  });

  it("maps hold what the limits promise", () => {
    const map = (name: string) => spec.maps.get(name);
    expect(map("policy_0")).toMatchObject({ maxEntries: 1 + KERNEL_LIMITS.overlay + KERNEL_LIMITS.forwards, valueSize: POLICY_VALUE_BYTES });
    expect(map("rule_counters")).toMatchObject({ maxEntries: KERNEL_LIMITS.rules, valueSize: COUNTER.size });
    expect(map("forward_counters")).toMatchObject({ maxEntries: KERNEL_LIMITS.forwards });
    expect(map("allowed")).toMatchObject({ maxEntries: 1 + KERNEL_LIMITS.allowed });
    expect(map("policies")).toMatchObject({ maxEntries: KERNEL_LIMITS.generations });
    expect(map("images")).toMatchObject({ maxEntries: KERNEL_LIMITS.images });
    expect(map("sets")).toMatchObject({ maxEntries: KERNEL_LIMITS.images });
    expect(map("totals")).toMatchObject({ maxEntries: Object.keys(TOTAL).length });
    expect(POLICY_LIMITS.rules).toBeLessThanOrEqual(KERNEL_LIMITS.rules);
    expect(POLICY_LIMITS.forwards).toBeLessThanOrEqual(KERNEL_LIMITS.forwards);
  });

  it("numbers of bits and kinds are those of the header", () => {
    const header = readFileSync(new URL("../../../../../bpf/include/layout.h", import.meta.url), "utf8");
    const inHeader = (prefix: string): Record<string, number> => {
      const found = [...header.matchAll(new RegExp(`^\\s*${prefix}(\\w+)(?: = (?:1 << (\\d+)|(\\d+)))?,`, "gm"))];
      let next = 0;
      return Object.fromEntries(found.map(([, name = "", shift, value]) => {
        const number = shift === undefined ? Number(value ?? next) : 1 << Number(shift);
        next = number + 1;
        return [name.toLowerCase().replaceAll("_", ""), number];
      }));
    };
    const ours = (numbers: Readonly<Record<string, number>>): Record<string, number> =>
      Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name.toLowerCase(), number]));
    expect(inHeader("VERDICT_")).toEqual(ours(VERDICT));
    expect(inHeader("DETAIL_")).toEqual(ours(FLAG));
    expect(inHeader("HEAD_")).toEqual(ours(HEAD_FLAG));
    const { count, ...totals } = inHeader("TOTAL_");
    expect(totals).toEqual(ours(TOTAL));
    expect(count).toBe(Object.keys(TOTAL).length);
    expect({ ...inHeader("LIMIT_"), ...inHeader("REJECT_") }).toEqual({
      bytes: OPTION.limitBytes, persource: OPTION.limitPerSource, unreachable: OPTION.rejectUnreachable,
    });
    expect(header).toContain(`KNOWN_PORTS = 1 << ${Math.log2(KNOWN.ports)}, KNOWN_TCP_FLAGS = 1 << ${Math.log2(KNOWN.tcpFlags)}, KNOWN_ICMP = 1 << ${Math.log2(KNOWN.icmp)}`);
    expect(header).toContain(`FRAGMENT_NO = 1 << ${Math.log2(FRAGMENT.no)}, FRAGMENT_FIRST = 1 << ${Math.log2(FRAGMENT.first)}, FRAGMENT_LATER = 1 << ${Math.log2(FRAGMENT.later)}`);
  });
});
