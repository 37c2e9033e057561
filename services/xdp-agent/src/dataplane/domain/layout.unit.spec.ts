import { Limit, RECORD_BYTES, RECORD_DATA_LEN, RECORD_DST, RECORD_FLOW_ID, RECORD_MODULES, RECORD_STREAM_OFFSET } from "@secuxflow/inspect-abi";
import { POLICY_LIMITS } from "@secuxflow/contracts";
import { readObjectSpec, structLayoutOf } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import { requireBpfObject } from "../../testing/bpf-object.js";
import { CONTROL, COUNTER, ENTRY, HEAD, KERNEL_LIMITS, MATCH, POLICY_VALUE_BYTES } from "./layout.js";

const spec = readObjectSpec(requireBpfObject());

/** Offsets of a C struct as BTF has them, by member, with the size. */
const cLayout = (name: string): Record<string, number> => {
  const layout = structLayoutOf(spec, name);
  return { size: layout.size, ...Object.fromEntries(layout.members.map((member) => [member.name, member.offset])) };
};

describe("layout of bpf/include/layout.h", () => {
  it.each([["match", MATCH], ["entry", ENTRY], ["policy_head", HEAD], ["control", CONTROL], ["counter", COUNTER]])("struct %s", (name, offsets) => {
    expect(cLayout(name)).toMatchObject(offsets);
  });

  it("the ABI record in the ring buffer", () => {
    expect(cLayout("sxf_record")).toMatchObject({
      size: RECORD_BYTES, flow_id: RECORD_FLOW_ID, stream_offset: RECORD_STREAM_OFFSET, data_len: RECORD_DATA_LEN, modules: RECORD_MODULES, dst: RECORD_DST,
    });
    expect(Limit.PARTITIONS).toBe(64);
  });

  it("maps hold what the limits promise", () => {
    const map = (name: string) => spec.maps.get(name);
    expect(map("policy_0")).toMatchObject({ maxEntries: 1 + KERNEL_LIMITS.rules + KERNEL_LIMITS.forwards, valueSize: POLICY_VALUE_BYTES });
    expect(map("rule_counters")).toMatchObject({ maxEntries: KERNEL_LIMITS.rules, valueSize: COUNTER.size });
    expect(map("forward_counters")).toMatchObject({ maxEntries: KERNEL_LIMITS.forwards });
    expect(map("allowed")).toMatchObject({ maxEntries: 1 + KERNEL_LIMITS.allowed });
    expect(map("policies")).toMatchObject({ maxEntries: KERNEL_LIMITS.generations });
    expect(POLICY_LIMITS.rules).toBeLessThanOrEqual(KERNEL_LIMITS.rules);
    expect(POLICY_LIMITS.forwards).toBeLessThanOrEqual(KERNEL_LIMITS.forwards);
  });
});
