import { afterEach, describe, expect, it } from "vitest";
import { missingCapability } from "./kernel.js";
import {
  needs,
  problemWith,
  REQUIRE_VARIABLE,
  requiredNames,
  RequirementError,
  skipReason,
  type Requirement,
} from "./requirements.js";

const ALL: Requirement[] = ["root", "netns", "kernel", "nats", "docker", "cc"];

describe("SECUXFLOW_REQUIRE", () => {
  it("is a list of names", () => {
    expect([...requiredNames(" kernel, nats ,")]).toEqual(["kernel", "netns", "root", "cc", "nats"]);
    expect([...requiredNames("")]).toEqual([]);
    expect(() => requiredNames("kernel,kernle")).toThrow('unknown "kernle", known are root, netns, kernel, nats, docker, cc');
  });
});

describe("needs", () => {
  const before = process.env[REQUIRE_VARIABLE];
  afterEach(() => {
    if (before === undefined) delete process.env[REQUIRE_VARIABLE];
    else process.env[REQUIRE_VARIABLE] = before;
  });
  const recorder = () => {
    const seen: string[] = [];
    const block = Object.assign((title: string) => seen.push(`run ${title}`), {
      skip: (title: string) => seen.push(`skip ${title}`),
    });
    return { seen, block };
  };

  it("runs a block that needs nothing", () => {
    const { seen, block } = recorder();
    needs(block)("title", () => undefined);
    expect(seen).toEqual(["run title"]);
  });

  it("runs, or skips with the reason in the title, for every requirement as it is here", () => {
    delete process.env[REQUIRE_VARIABLE];
    for (const name of ALL) {
      const { seen, block } = recorder();
      const problem = problemWith(name);
      needs(block, name)("title", () => undefined);
      expect(seen).toEqual([problem === undefined ? "run title" : `skip title [skipped: ${problem}]`]);
      if (problem !== undefined) expect(problem).toMatch(/^needs /);
    }
  });

  it("fails for every missing requirement that is listed, and only for those", () => {
    for (const name of ALL) {
      process.env[REQUIRE_VARIABLE] = name;
      if (problemWith(name) === undefined) expect(skipReason(name)).toBeUndefined();
      else expect(() => skipReason(name)).toThrow(RequirementError);
    }
  });
});

describe("missingCapability", () => {
  const status = (mask: bigint): string =>
    `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${mask.toString(16).padStart(16, "0")}\nCapBnd:\tffff\n`;
  it("reads the effective set", () => {
    const all = (1n << 12n) | (1n << 13n) | (1n << 21n) | (1n << 39n);
    expect(missingCapability(status(all), ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_BPF"])).toBeUndefined();
    expect(missingCapability(status(all & ~(1n << 39n)), ["CAP_NET_ADMIN", "CAP_BPF"])).toBe("CAP_BPF");
    expect(missingCapability(status(all & ~(1n << 39n)), ["CAP_NET_ADMIN"])).toBeUndefined();
    expect(missingCapability("", ["CAP_NET_RAW"])).toBe("CAP_NET_RAW");
  });
});
