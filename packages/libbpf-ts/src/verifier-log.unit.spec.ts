import { describe, expect, it } from "vitest";
import { findVerifierLog, summariseVerifierLog } from "./verifier-log.js";

const verifier = [
  "0: R1=ctx() R10=fp0",
  "; __u8 *data = (void *)(long)ctx->data; @ a.bpf.c:10",
  "0: (61) r1 = *(u32 *)(r1 +0)          ; R1=pkt(r=0)",
  "; return data[20]; @ a.bpf.c:12",
  "1: (71) r1 = *(u8 *)(r1 +20)",
  "invalid access to packet, off=20 size=1, R1(id=0,off=20,r=0)",
  "R1 offset is outside of the packet",
  "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0",
  "",
].join("\n");

describe("the verifier's log", () => {
  it("is found in what libbpf prints", () => {
    const all = `libbpf: prog 'p': BPF program load failed: Permission denied\nlibbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n` +
      `${verifier}-- END PROG LOAD LOG --\nlibbpf: prog 'p': failed to load: -13\n`;
    expect(findVerifierLog(all)).toEqual({ program: "p", log: verifier });
    expect(findVerifierLog(all.replaceAll("libbpf: ", ""))).toEqual({ program: "p", log: verifier });
    expect(findVerifierLog("failed to open")).toBeUndefined();
    expect(findVerifierLog("prog 'x': -- BEGIN PROG LOAD LOG --\ncut")).toEqual({ program: "x", log: "cut" });
  });

  it("is summarised in one paragraph", () => {
    expect(summariseVerifierLog("p", verifier)).toBe(
      'the verifier refused program "p": invalid access to packet, off=20 size=1, R1(id=0,off=20,r=0); R1 offset is outside of the ' +
      'packet, at instruction 1 (r1 = *(u8 *)(r1 +20)), source line "return data[20];" at a.bpf.c:12 (after 2 instructions).');
  });

  it("copes with logs without source, instructions or words", () => {
    expect(summariseVerifierLog("p", "")).toMatch(/without a word/);
    expect(summariseVerifierLog("p", "processed 0 insns (limit 1) x\n")).toMatch(/without a word/);
    expect(summariseVerifierLog("p", "unreachable insn 3\n")).toBe('the verifier refused program "p": unreachable insn 3.');
    expect(summariseVerifierLog("p", "5: (95) exit\nR0 !read_ok\n"))
      .toBe('the verifier refused program "p": R0 !read_ok, at instruction 5 (exit).');
    expect(summariseVerifierLog("p", "BPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns (limit 1000000)\n"))
      .toMatch(/too large.*\(after 1000001 instructions\)/);
  });
});
