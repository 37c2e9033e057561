import {
  ForwardSpec,
  RuleSpec,
  emptyPolicy,
  evolve,
  type FilterRule,
  type ForwardSpecInput,
  type PolicyEvent,
  type PolicyState,
  type RuleSpecInput,
} from "@secuxflow/contracts";
import type { AddForward, AddRule, ImportRules, Surroundings } from "./commands.js";

/** Time of every command in the tests. */
export const NOW = "2026-01-01T00:00:00.000Z";

/** Administration over loopback alone, as configured by default. */
export const LOOPBACK_ONLY: Surroundings = { managementPrefixes: ["127.0.0.0/8", "::1"], managementPorts: [22, 4222, 7400] };

export const addRule = (rule: RuleSpecInput, more: Partial<Omit<AddRule, "type" | "rule">> = {}): AddRule => ({
  type: "add_rule",
  rule: RuleSpec.parse(rule),
  now: NOW,
  confirm: false,
  surroundings: LOOPBACK_ONLY,
  ...more,
});

export const addForward = (forward: ForwardSpecInput): AddForward => ({
  type: "add_forward",
  forward: ForwardSpec.parse(forward),
  now: NOW,
});

export const importRules = (
  rules: readonly RuleSpecInput[],
  more: Partial<Omit<ImportRules, "type" | "rules">> = {},
): ImportRules => ({
  type: "import_rules",
  mode: "add",
  rules: rules.map((rule) => RuleSpec.parse(rule)),
  now: NOW,
  confirm: false,
  surroundings: LOOPBACK_ONLY,
  ...more,
});

/** A rule as it stands in a policy. */
export const standing = (id: number, rule: RuleSpecInput, expiresAt?: string): FilterRule => {
  const event = ruleAdded(id, rule, expiresAt);
  if (event.type !== "rule.added") throw new Error(event.type);
  return event.data.rule;
};

export const ruleAdded = (id: number, rule: RuleSpecInput, expiresAt?: string): PolicyEvent => {
  const spec = RuleSpec.parse(rule);
  delete spec.ttlMs;
  return {
    type: "rule.added",
    version: 1,
    data: { rule: { id, ...spec, createdAt: NOW, ...(expiresAt === undefined ? {} : { expiresAt }) } },
  };
};

export const forwardAdded = (id: number, forward: ForwardSpecInput): PolicyEvent => ({
  type: "forward.added",
  version: 1,
  data: { forward: { id, ...ForwardSpec.parse(forward), createdAt: NOW } },
});

export const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

export const moduleRegistered = (name: string, bit: number, version = "1.0.0"): PolicyEvent => ({
  type: "module.registered",
  version: 1,
  data: { module: { name, version, digest: digest("a"), title: name, bit } },
});

/** The state after events, given in order. */
export const given = (...events: PolicyEvent[]): PolicyState => events.reduce(evolve, emptyPolicy);
