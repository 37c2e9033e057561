import { emptyPolicy, evolve, ProblemError, rulesInOrder, type PolicyEvent, type PolicyState } from "@secuxflow/contracts";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { PolicyCommand } from "./commands.js";
import { decide } from "./decider.js";
import { addForward, addRule, digest } from "./testing.js";

// Few values each, so that commands meet the same rules again and again.
const seconds = fc.integer({ min: 0, max: 20 });
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const id = fc.integer({ min: 1, max: 12 });
const name = fc.constantFrom("ips", "waf");

const ruleSpec = fc.record(
  {
    src: fc.constantFrom("any", "10.0.0.1", "10.0.0.0/24"),
    action: fc.constantFrom("drop" as const, "pass" as const),
    priority: fc.constantFrom(1, 2),
    ttlMs: fc.constantFrom(1_000, 5_000),
  },
  { requiredKeys: ["action"] },
);

const command: fc.Arbitrary<PolicyCommand> = fc.oneof(
  fc.tuple(ruleSpec, seconds, fc.boolean()).map(([rule, now, confirm]) => addRule(rule, { now: at(now), confirm })),
  fc
    .tuple(ruleSpec, seconds, id)
    .map(([rule, now, alertId]) => ({
      ...addRule({ ...rule, alertId }, { now: at(now) }),
      type: "approve_alert" as const,
      alertId,
    })),
  id.map((n) => ({ type: "delete_rule" as const, id: n })),
  fc.boolean().map((confirm) => ({ type: "clear_rules" as const, confirm })),
  fc.tuple(fc.array(id), seconds).map(([ids, now]) => ({ type: "expire_rules" as const, ids, now: at(now) })),
  fc.tuple(name, fc.constantFrom(80, 443)).map(([module, port]) => addForward({ module, port, proto: "tcp" })),
  id.map((n) => ({ type: "delete_forward" as const, id: n })),
  fc.boolean().map((confirm) => ({ type: "clear_forwards" as const, confirm })),
  fc
    .tuple(name, fc.constantFrom("1", "2"))
    .map(([module, version]) => ({
      type: "register_module" as const,
      module: { name: module, version, digest: digest(version), title: module },
    })),
);

interface Step {
  readonly before: PolicyState;
  readonly events: readonly PolicyEvent[];
  readonly command: PolicyCommand;
}

/** Runs commands from an empty policy; a refused one leaves no events. */
const run = (commands: readonly PolicyCommand[]): { steps: Step[]; state: PolicyState } => {
  let state = emptyPolicy;
  const steps = commands.map((each) => {
    const before = state;
    let events: readonly PolicyEvent[] = [];
    try {
      events = decide(each, before);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
    }
    state = events.reduce(evolve, before);
    return { before, events, command: each };
  });
  return { steps, state };
};

const commands = fc.array(command, { maxLength: 60 });

it("ids of rules and forwards only grow: none is ever used twice", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const events = run(list).steps.flatMap((step) => step.events);
      const rules = events.flatMap((event) => (event.type === "rule.added" ? [event.data.rule.id] : []));
      const forwards = events.flatMap((event) => (event.type === "forward.added" ? [event.data.forward.id] : []));
      expect(rules).toEqual(rules.map((_, index) => index + 1));
      expect(forwards).toEqual(forwards.map((_, index) => index + 1));
    }),
  );
});

it("a rule expires only when it stands, was asked for and is due", () => {
  fc.assert(
    fc.property(commands, (list) => {
      for (const { before, events, command: asked } of run(list).steps) {
        for (const event of events.filter((each) => each.type === "rule.expired")) {
          const rule = before.rules.get(event.data.id);
          if (asked.type !== "expire_rules" || rule?.expiresAt === undefined)
            throw new Error(`rule ${event.data.id} expired unasked`);
          expect(asked.ids).toContain(rule.id);
          expect(Date.parse(rule.expiresAt)).toBeLessThanOrEqual(Date.parse(asked.now));
        }
      }
    }),
  );
});

it("what expires is exactly what a slow look at every rule finds due", () => {
  fc.assert(
    fc.property(commands, seconds, (list, second) => {
      const { state } = run(list);
      const now = at(second);
      const expected = rulesInOrder(state)
        .filter((rule) => rule.expiresAt !== undefined && rule.expiresAt <= now)
        .map((rule) => rule.id)
        .sort((a, b) => a - b);
      const events = decide({ type: "expire_rules", ids: [...state.rules.keys()], now }, state);
      expect(events.map((event) => (event.data as { id: number }).id)).toEqual(expected);
    }),
  );
});

it("modules never share a bit and never change theirs", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const bits = new Map<string, number>();
      for (const event of run(list).steps.flatMap((step) => step.events)) {
        if (event.type !== "module.registered") continue;
        const { name: module, bit } = event.data.module;
        expect(bits.get(module) ?? bit).toBe(bit);
        bits.set(module, bit);
      }
      expect(new Set(bits.values()).size).toBe(bits.size);
    }),
  );
});

it("no two standing rules do the same, and deciding changes no state", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const { state, steps } = run(list);
      const frozen = JSON.stringify([...state.rules]);
      for (const step of steps) {
        try {
          decide(step.command, state);
        } catch (error) {
          expect(error).toBeInstanceOf(ProblemError);
        }
      }
      expect(JSON.stringify([...state.rules])).toBe(frozen);
      const permanent = rulesInOrder(state).filter((rule) => rule.expiresAt === undefined);
      expect(new Set(permanent.map((r) => `${r.src} ${r.action} ${r.priority}`)).size).toBe(permanent.length);
    }),
  );
});
