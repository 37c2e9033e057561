import { describe, expect, it } from "vitest";
import { helpText, parseArguments, UsageError } from "./arguments.js";

describe("parseArguments", () => {
  it("reads what it knows", () => {
    expect(parseArguments([])).toEqual({ action: "run" });
    expect(parseArguments(["--config", "a.yaml", "--ready-fd", "3"])).toEqual({ action: "run", config: "a.yaml", readyFd: 3 });
    expect(parseArguments(["--check-config", "--config=b"])).toEqual({ action: "check-config", config: "b" });
    expect(parseArguments(["-h", "--version"])).toEqual({ action: "help" });
    expect(parseArguments(["--version"])).toEqual({ action: "version" });
  });

  it.each([["--colour"], ["extra"], ["--config"], ["--ready-fd", "1"], ["--ready-fd", "x"], ["--ready-fd", "3.5"]])("refuses %s %s", (...argv) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
  });
});

describe("helpText", () => {
  it("names every option and holds the settings", () => {
    const text = helpText({ name: "svc", description: "does things" }, "SETTINGS-TABLE");
    for (const part of ["svc: does things", "--config", "--check-config", "--ready-fd", "--version", "SETTINGS-TABLE", "Exit codes"]) {
      expect(text).toContain(part);
    }
  });
});
