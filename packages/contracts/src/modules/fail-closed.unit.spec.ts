import { describe, expect, it } from "vitest";
import { policyState } from "../policy/state.js";
import { uncontrolled, type ModuleControl } from "./control.js";
import { closedRules, withClosedModules } from "./fail-closed.js";

const at = "2026-11-22T12:00:00.000Z";
const forward = { id: 3, src: "any", dst: "10.0.0.0/24", port: 80, proto: "tcp", module: "ips", snaplen: 100, createdAt: at };
const control = (more: Partial<ModuleControl>): ModuleControl => ({ ...uncontrolled("ips"), ...more });
const cut = { failMode: "closed", quarantine: { reason: "r", strikes: 3, at } } as const;
const service = { name: "shop", address: "10.0.0.5", port: 443, proto: "tcp", backends: [], inspect: ["ips"], createdAt: at } as never;

describe("modules that fail closed", () => {
  it("have what is forwarded to them dropped before anything else, while they are quarantined", () => {
    const state = policyState({ forwards: [forward, { ...forward, id: 4, module: "waf" }], services: [service], controls: [control(cut)] });
    const enforced = withClosedModules(state);
    expect([...enforced.rules.values()].map(({ dst, port, proto, action, priority }) => ({ dst, port, proto, action, priority }))).toEqual([
      { dst: "10.0.0.5", port: 443, proto: "tcp", action: "drop", priority: 0 },
      { dst: "10.0.0.0/24", port: 80, proto: "tcp", action: "drop", priority: 0 },
    ]);
    expect(state.rules.size).toBe(0);
  });

  it.each([control({}), control({ failMode: "closed" }), control({ ...cut, failMode: "open" }), control({ ...cut, enabled: false })])(
    "%# change nothing otherwise", (one) => {
      const state = policyState({ forwards: [forward], controls: [one] });
      expect(withClosedModules(state)).toBe(state);
    },
  );

  it("leave answers and samples open", () => {
    const forwards = [{ ...forward, direction: "from-service" as const }, { ...forward, id: 5, sample: 100 }];
    expect(closedRules(policyState({ forwards, controls: [control(cut)] }))).toEqual([]);
  });
});
