import { createHash } from "node:crypto";
import {
  evolve, FilterRule, ForwardRule, ModuleBinding, policyState, type ModuleControl, Protection, readPolicyMessage, Service, UnreadablePolicyMessage, type PolicyMessage, type PolicyState,
} from "@secuxflow/contracts";
import { z } from "zod";

/** The policy that an agent last had in force, as it is kept on disk for a start without NATS. */
export interface LastGood {
  readonly revision: number;
  readonly state: PolicyState;
}

/** A kept policy that is damaged or of another version: it is never loaded. */
export class LastGoodCorrupt extends Error {
  override readonly name = "LastGoodCorrupt";
}

const revision = z.number().int().nonnegative();

/** The first line of a kept policy. Rules follow, one a line, then the entries of each set, some a line. */
const Head = z.object({
  format: z.literal(2),
  policy: z.string(),
  revision,
  nextRuleId: z.number().int(),
  nextForwardId: z.number().int(),
  rules: z.number().int(),
  forwards: z.array(ForwardRule),
  modules: z.array(ModuleBinding),
  /** As this program wrote them: the checksum vouches for the rest of their fields. */
  controls: z.array(z.custom<ModuleControl>((value) => typeof value === "object" && value !== null && "name" in value)).default([]),
  services: z.array(Service),
  protection: Protection,
  sets: z.array(z.object({ name: z.string(), comment: z.string().optional(), entries: z.number().int() })),
});

/** A kept policy of agents before 0.2: two lines, the checksum and everything. */
const BodyV1 = z.object({
  format: z.literal(1),
  policy: z.string(),
  revision,
  nextRuleId: z.number().int(),
  nextForwardId: z.number().int(),
  rules: z.array(FilterRule),
  forwards: z.array(ForwardRule),
  modules: z.array(ModuleBinding),
});

const Change = z.object({ revision, previous: revision, message: z.unknown() });
const Entries = z.array(z.string());

const RULES_AT_ONCE = 256;
const ENTRIES_A_LINE = 1_024;

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Text of a kept policy in pieces of about a hundred kilobytes; its last line is the SHA-256 of all lines before. */
export function* encodeLastGood(policy: string, { revision, state }: LastGood): Generator<string, void> {
  const sum = createHash("sha256");
  const summed = (text: string): string => {
    sum.update(text);
    return text;
  };
  yield summed(`${JSON.stringify({
    format: 2, policy, revision, nextRuleId: state.nextRuleId, nextForwardId: state.nextForwardId, rules: state.rules.size,
    forwards: [...state.forwards.values()], modules: [...state.modules.values()], controls: [...state.controls.values()], services: [...state.services.values()], protection: state.protection,
    sets: [...state.sets.values()].map(({ entries, ...set }) => ({ ...set, entries: entries.size })),
  } satisfies z.input<typeof Head>)}\n`);
  for (const some of inGroups(state.rules.values(), RULES_AT_ONCE)) yield summed(some.map((rule) => `${JSON.stringify(rule)}\n`).join(""));
  for (const { entries } of state.sets.values()) for (const some of inGroups(entries, ENTRIES_A_LINE)) yield summed(`${JSON.stringify(some)}\n`);
  yield `${sum.digest("hex")}\n`;
}

function* inGroups<T>(items: Iterable<T>, size: number): Generator<T[], void> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Reads what `encodeLastGood` wrote for the same policy, also the form of agents before 0.2. Throws LastGoodCorrupt. */
export function decodeLastGood(policy: string, text: string): LastGood {
  const kept = /^[0-9a-f]{64}\n/.test(text) ? decodeV1(text) : decodeV2(text);
  if (kept.policy !== policy) throw new LastGoodCorrupt(`it is of policy ${kept.policy}, not ${policy}`);
  return { revision: kept.revision, state: kept.state };
}

type Kept = LastGood & { readonly policy: string };

function decodeV1(text: string): Kept {
  const [sum, body = ""] = text.split("\n");
  if (digest(body) !== sum) throw new LastGoodCorrupt("its checksum is wrong");
  const { policy, revision, ...parts } = checked(BodyV1, body);
  return { policy, revision, state: policyState(parts) };
}

function decodeV2(text: string): Kept {
  const sumAt = text.lastIndexOf("\n", text.length - 2) + 1;
  if (text.slice(sumAt) !== `${digest(text.slice(0, sumAt))}\n`) throw new LastGoodCorrupt("its checksum is wrong");
  const lines = text.slice(0, Math.max(sumAt - 1, 0)).split("\n");
  const { policy, revision, sets, rules: count, ...head } = checked(Head, lines[0] ?? "");
  const rules = lines.slice(1, 1 + count).map((line) => checked(FilterRule, line));
  let line = 1 + count;
  const filled = sets.map(({ entries: size, ...set }) => {
    const entries: string[] = [];
    while (entries.length < size) entries.push(...checked(Entries.min(1), lines[line++] ?? ""));
    return { ...set, entries };
  });
  return { policy, revision, state: policyState({ ...head, rules, sets: filled }) };
}

function checked<T>(schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LastGoodCorrupt("it is not JSON", { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new LastGoodCorrupt(z.prettifyError(parsed.error));
  return parsed.data;
}

/** A change that came into force after the policy was kept as a whole. */
export interface KeptChange {
  readonly revision: number;
  readonly previous: number;
  readonly message: PolicyMessage;
}

/** The line of a change: the SHA-256 of the rest, and the change. */
export function encodeChange({ revision, previous, message }: KeptChange): string {
  const body = JSON.stringify({ revision, previous, message } satisfies z.input<typeof Change>);
  return `${digest(body)} ${body}\n`;
}

export interface AppliedChanges extends LastGood {
  /** Length of the text up to the last change that was read, in characters. */
  readonly goodLength: number;
  /** Why changes behind it were not read; undefined where all were, but for one that was being written when the agent ended. */
  readonly damage: string | undefined;
}

/** Folds kept changes on a kept policy, as far as they are whole and follow one another. */
export function applyChanges(base: LastGood, text: string): AppliedChanges {
  let { revision, state } = base;
  let goodLength = 0;
  const result = (damage?: string): AppliedChanges => ({ revision, state, goodLength, damage });
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    if (end < 0) return result(); // torn: it was being written when the agent, or the power, ended
    const line = text.slice(at, end);
    const body = line.slice(65);
    if (line[64] !== " " || digest(body) !== line.slice(0, 64)) return result("the checksum of a change is wrong");
    try {
      const change = checked(Change, body);
      if (change.revision > revision) {
        if (change.previous > revision) return result(`changes between revision ${revision} and ${change.revision} are missing`);
        state = readPolicyMessage(change.message).events.reduce(evolve, state);
        revision = change.revision;
      }
    } catch (error) {
      if (!(error instanceof LastGoodCorrupt) && !(error instanceof UnreadablePolicyMessage)) throw error;
      return result(error.message);
    }
    at = end + 1;
    goodLength = at;
  }
  return result();
}
