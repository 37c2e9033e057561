import { FilterRule, ForwardRule, type ModuleBinding } from "@secuxflow/contracts";

/** A rule for tests, with defaults for what the test does not care about. */
export function rule(id: number, more: Partial<FilterRule> = {}): FilterRule {
  return FilterRule.parse({ id, src: "any", dst: "any", proto: "any", action: "drop", priority: 1_000, tags: [], createdAt: "2026-01-01T00:00:00.000Z", ...more });
}

export function forward(id: number, more: Partial<ForwardRule> = {}): ForwardRule {
  return ForwardRule.parse({ id, src: "any", dst: "any", proto: "any", module: "ips", snaplen: 9_216, createdAt: "2026-01-01T00:00:00.000Z", ...more });
}

export function moduleBinding(name: string, bit: number): ModuleBinding {
  return { name, version: "1", digest: `sha256:${"0".repeat(64)}`, title: name, bit };
}
