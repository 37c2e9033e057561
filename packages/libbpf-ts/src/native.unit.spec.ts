import { describe, expect, it } from "vitest";
import { AddonMissingError } from "./errors.js";
import { loadAddon } from "./native.js";

describe("loadAddon", () => {
  it("says what to run when the addon was not built", () => {
    expect(() => loadAddon("/nonexistent/addon.node")).toThrow(AddonMissingError);
    expect(() => loadAddon("/nonexistent/addon.node")).toThrow(/node-gyp rebuild -C .*libbpf-ts/);
  });
});
