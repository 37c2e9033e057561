import { describe, expect, it } from "vitest";
import { errnoName, errnoText } from "./errno.js";
import {
  AddonMissingError, adviceFor, AttachBusyError, BatchError, bpfError, BpfError, formatBpfError, isNotSupported, LibbpfError,
  MapMismatchError, NotSupportedError, UnknownNameError, VerifierError,
} from "./errors.js";

describe("errors", () => {
  it("names error numbers of the system, the kernel's inside and libbpf", () => {
    expect([1, 2, 7, 11, 16, 22, 95, 116, 524, 4007, 3999].map(errnoName)).toEqual([
      "EPERM", "ENOENT", "E2BIG", "EAGAIN", "EBUSY", "EINVAL", "EOPNOTSUPP", "ESTALE", "ENOTSUPP", "LIBBPF_VERIFY", "ERRNO_3999",
    ]);
    expect(errnoText(2)).toBe("no such file or directory");
    expect(errnoText(4003)).toMatch(/byte order/);
    expect(errnoText(3999)).toBe("error number 3999");
  });

  it("says what was tried on what, why it failed and what is next", () => {
    const error = bpfError({ errno: 1, operation: "attach XDP", operand: "program \"p\" to interface eth0" });
    expect(error).toBeInstanceOf(BpfError);
    expect(error).toBeInstanceOf(LibbpfError);
    expect(error.code).toBe("EPERM");
    expect(error.name).toBe("BpfError");
    expect(error.message).toBe(
      'attach XDP program "p" to interface eth0: EPERM (operation not permitted). ' +
      "Run as root or with CAP_BPF and CAP_NET_ADMIN (CAP_SYS_ADMIN for ids); a frozen map refuses writes for ever.");
    expect(adviceFor(12)).toMatch(/RLIMIT_MEMLOCK/);
    expect(adviceFor(9999)).toBe("");
  });

  it("keeps the last words of libbpf in the message and all of them in the log", () => {
    const log = "one\n\ntwo\nthree\nfour\n";
    const error = bpfError({ errno: 22, operation: "load", operand: "object", log });
    expect(error.message).toMatch(/libbpf: two \| three \| four$/);
    expect(error.log).toBe(log);
    expect(formatBpfError({ errno: 5, operation: "a", operand: "b", log: "x".repeat(5000) }).length).toBeLessThan(800);
  });

  it("tells not supported from refused", () => {
    for (const errno of [95, 524, 38]) {
      const error = bpfError({ errno, operation: "probe", operand: "x" });
      expect(error).toBeInstanceOf(NotSupportedError);
      expect(isNotSupported(error)).toBe(true);
    }
    expect(isNotSupported(bpfError({ errno: 22, operation: "probe", operand: "x" }))).toBe(false);
    expect(isNotSupported(new Error("x"))).toBe(false);
  });

  it("describes who is in the way", () => {
    const details = { errno: 16, operation: "attach XDP", operand: "x" };
    expect(new AttachBusyError(details, { programId: 7, mode: "native", linkIds: [3] }).message)
      .toMatch(/EBUSY.*Program 7 is attached \(native\) by link 3: detach it, or update its link\.$/);
    expect(new AttachBusyError(details, { programId: 7, mode: "generic", linkIds: [] }).message).toMatch(/7 is attached \(generic\):/);
    expect(new AttachBusyError(details, undefined).message).toMatch(/bpftool net/);
  });

  it("says what to run when the addon is missing", () => {
    const error = new AddonMissingError("/somewhere/libbpf-ts", new Error("Cannot find module 'x'\nRequire stack"));
    expect(error.message).toMatch(/Cannot find module 'x'\. /);
    expect(error.message).toMatch(/npx node-gyp rebuild -C \/somewhere\/libbpf-ts$/);
    expect(error.code).toBe("ERR_LIBBPF_ADDON");
    expect(error.cause).toBeInstanceOf(Error);
  });

  it("lists known names, not endlessly", () => {
    expect(new UnknownNameError("map", "x", []).message).toBe('there is no map "x"; there are none');
    const many = Array.from({ length: 100 }, (_, index) => `m${index}`);
    expect(new UnknownNameError("map", "x", many).message).toMatch(/m19, and 80 more$/);
  });

  it("carries progress and differences", () => {
    expect(new BatchError({ errno: 7, operation: "update", operand: "map" }, 12).message).toMatch(/12 elements were done before/);
    expect(new MapMismatchError("m", ["type is hash, should be array"]).differences).toHaveLength(1);
    const verifier = new VerifierError({ errno: 13, operation: "load", operand: "object", program: "p", summary: "bad", log: "all" });
    expect(verifier.message).toBe("load object: bad");
    expect(verifier).toMatchObject({ code: "EACCES", log: "all", program: "p", summary: "bad" });
  });
});
