import { describe, expect, it } from "vitest";
import { dataSectionKind, programTypeOf } from "./sections.js";

describe("section names", () => {
  it.each([
    ["xdp", "xdp"], ["xdp.frags", "xdp"], ["xdp/devmap", "xdp"], ["?xdp", "xdp"], ["xdpx", undefined], ["tc", "sched_cls"],
    ["tcx/ingress", "sched_cls"], ["classifier", "sched_cls"], ["tcp", undefined], ["kprobe/do_sys", "kprobe"], ["tp/a/b", "tracepoint"],
    ["tp_btf/x", "tracing"], ["raw_tp/x", "raw_tracepoint"], ["raw_tp.w/x", "raw_tracepoint_writable"], ["cgroup/bind4", "cgroup_sock_addr"],
    ["cgroup/post_bind6", "cgroup_sock"], ["cgroup_skb/ingress", "cgroup_skb"], ["lsm.s/x", "lsm"], ["maps", undefined], ["", undefined],
  ])("%s holds %s programs", (section, type) => { expect(programTypeOf(section)).toBe(type); });

  it.each([
    [".rodata", "rodata"], [".rodata.str1.1", "rodata"], [".data", "data"], [".data.x", "data"], [".bss", "bss"], [".bssx", undefined],
    ["license", undefined], [".maps", undefined],
  ])("%s holds %s variables", (section, kind) => { expect(dataSectionKind(section)).toBe(kind); });
});
