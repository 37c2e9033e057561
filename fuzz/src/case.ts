/** One reproducible case: a policy and frames, as a JSON file in corpus/. */
import { z } from "zod";
import type { Place } from "./kernel/plane.js";
import type { PolicyFields } from "./model/filter.js";

const NumberOrText = z.union([z.number(), z.string()]);
const Match = {
  src: z.string(), dst: z.string(), proto: z.string(),
  sport: NumberOrText.optional(), port: NumberOrText.optional(), length: NumberOrText.optional(),
  family: z.union([z.literal(4), z.literal(6)]).optional(),
  icmpType: z.number().optional(), icmpCode: z.number().optional(), tcpFlags: z.string().optional(),
  fragment: z.enum(["any", "no", "yes", "first", "later"]).optional(),
  vlan: z.union([z.number(), z.literal("none")]).optional(), innerVlan: z.union([z.number(), z.literal("none")]).optional(),
  iface: z.string().optional(), state: z.enum(["new", "established"]).optional(),
};
const Limit = z.strictObject({ rate: z.number(), unit: z.enum(["packets", "bits"]), per: z.enum(["rule", "source"]), burst: z.number().optional() });
const Rule = z.strictObject({
  ...Match, id: z.number(), priority: z.number(), action: z.enum(["drop", "pass", "limit", "reject", "redirect"]),
  limit: Limit.optional(), reject: z.enum(["auto", "unreachable"]).optional(), monitor: z.boolean().optional(), expiresAt: z.string().optional(),
});

const Policy = z.strictObject({
  rules: z.array(Rule),
  forwards: z.array(z.strictObject({ ...Match, id: z.number() })),
  sets: z.record(z.string(), z.array(z.string())),
  allow: z.array(z.strictObject({ src: Match.src, dst: Match.dst, proto: Match.proto, sport: Match.sport, port: Match.port })),
});

const CaseFile = z.strictObject({
  /** Where it comes from, for people: the seed, or what it shows. */
  note: z.string(),
  /** Where policies stand (kernel/plane.ts). */
  place: z.enum(["overlay", "image", "mixed"]),
  /** Policies that were in force before, in order; what matters is the way from one to the next. */
  before: z.array(Policy),
  policy: Policy,
  /** Hexadecimal, whole Ethernet frames, judged in this order. */
  frames: z.array(z.string().regex(/^([0-9a-f]{2})*$/)),
});

export interface Case {
  readonly note: string;
  readonly place: Place;
  readonly before: readonly PolicyFields[];
  readonly policy: PolicyFields;
  readonly frames: readonly Uint8Array[];
}

const policyOf = ({ sets, ...rest }: z.output<typeof Policy>): PolicyFields => ({ ...rest, sets: new Map(Object.entries(sets)) });

const policyJson = ({ rules, forwards, sets, allow }: PolicyFields): z.input<typeof Policy> => ({
  rules: [...rules], forwards: [...forwards], sets: Object.fromEntries([...sets].map(([name, entries]) => [name, [...entries]])), allow: [...allow],
});

/** Reads the text of a corpus file. Throws ZodError or SyntaxError. */
export function parseCase(text: string): Case {
  const { before, policy, frames, ...rest } = CaseFile.parse(JSON.parse(text));
  return { ...rest, before: before.map(policyOf), policy: policyOf(policy), frames: frames.map((hex) => Uint8Array.from(Buffer.from(hex, "hex"))) };
}

/** The text of a corpus file. */
export function formatCase({ note, place, before, policy, frames }: Case): string {
  const file: z.input<typeof CaseFile> = {
    note, place, before: before.map(policyJson), policy: policyJson(policy), frames: frames.map((frame) => Buffer.from(frame).toString("hex")),
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}
