// Loaded when a rule is added and not before: with zod, the contracts' schemas take longer to load than a command may to start.
import {
  ForwardSpec,
  RuleSpec,
  ServiceSpec,
  type ForwardSpecInput,
  type RuleSpecInput,
  type ServiceSpecInput,
} from "@secuxflow/contracts";
import type { z } from "zod";
import type { Fault } from "../errors.js";
import { flagOf } from "./flags.js";

/** What stands in for a value that is at fault, so that the others can be checked against each other. */
const STAND_IN: Readonly<Record<string, unknown>> = { action: "drop", module: "any", proto: "tcp", name: "any", address: "192.0.2.1" };

/** Checks a spec; every value at fault is in `faults`, those of values that depend on each other too. */
function check(schema: z.ZodType, input: Readonly<Record<string, unknown>>): Fault[] {
  const faults = new Map<string, string>();
  let left: Record<string, unknown> = { ...input };
  for (;;) {
    const result = schema.safeParse(left);
    if (result.success) break;
    const known = faults.size;
    for (const { path, message } of result.error.issues) {
      const field = String(path[0] ?? "");
      if (!faults.has(field)) faults.set(field, message);
    }
    if (faults.size === known) break;
    left = Object.fromEntries(
      Object.entries({ ...left, ...standInsOf(faults) }).filter(([field]) => !faults.has(field) || field in STAND_IN),
    );
  }
  return [...faults].map(([field, message]) => ({ flag: flagOf(field) ?? field, message }));
}

const standInsOf = (faults: ReadonlyMap<string, string>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(STAND_IN).filter(([field]) => faults.has(field)));

/** What is wrong with a rule, by flag. */
export const ruleFaults = (rule: Partial<RuleSpecInput>): Fault[] => check(RuleSpec, rule);

/** What is wrong with a forward, by flag. */
export const forwardFaults = (forward: Partial<ForwardSpecInput>): Fault[] => check(ForwardSpec, forward);

/** What is wrong with a service, by flag. */
export const serviceFaults = (service: Partial<ServiceSpecInput>): Fault[] => check(ServiceSpec, service);
