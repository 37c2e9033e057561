import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { LogTail } from "./log-tail.js";
import { hasTool, missingTool, requireTool, ToolMissingError } from "./tools.js";

describe("LogTail", () => {
  it("keeps the last lines, however the text is cut", () => {
    const lines = fc.array(fc.stringMatching(/^[a-z ]{1,20}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(lines, fc.array(fc.nat(200)), (written, cuts) => {
        const text = written.join("\n");
        const log = new LogTail(5);
        const borders = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
        borders.slice(1).forEach((to, i) => log.add(text.slice(borders[i], to)));
        // The unfinished last line comes on top of five finished ones.
        expect(log.lines()).toEqual(written.slice(-6));
      }),
    );
  });

  it("does not mix unfinished lines of two streams, and cuts long ones", () => {
    const log = new LogTail(10, 8);
    log.add("one", "out");
    log.add("ERR\n", "err");
    log.add(" more, and more\n", "out");
    expect(log.lines()).toEqual(["ERR", "one more"]);
    log.add("x".repeat(100));
    log.add("x".repeat(100));
    expect(log.toString()).toBe("ERR\none more\nxxxxxxxx");
  });
});

describe("tools", () => {
  it("finds programs and names the Debian package of missing ones", () => {
    expect(hasTool("sh")).toBe(true);
    expect(hasTool("no-such-program")).toBe(false);
    expect(() => requireTool("no-such-program")).toThrow(ToolMissingError);
    expect(missingTool("ip")).toBe("needs ip (Debian: apt-get install iproute2)");
    expect(missingTool("cc")).toBe("needs cc (Debian: apt-get install gcc libc6-dev)");
    expect(missingTool("no-such-program")).toBe("needs no-such-program");
  });
});
