import { z } from "zod";
import { AddressError, formatPrefix, parsePrefix } from "../net/ip.js";
import { formatProtocol, parseProtocol } from "../net/protocol.js";
import { TOKEN_PATTERN } from "../subjects.js";

/** Limits of one policy. What exceeds them is refused at the border and by the agent. */
export const POLICY_LIMITS = {
  rules: 4_096,
  forwards: 64,
  modules: 32,
  commentLength: 256,
  ttlMaxMs: 366 * 86_400_000,
} as const;

/** "any", or a prefix in canonical text. Input is normalised (an address stays bare, IPv6 per RFC 5952). */
export const PrefixText = z.string().max(64).transform((text, context) => {
  if (text === "any") return "any";
  try {
    return formatPrefix(parsePrefix(text));
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

/** "any", a protocol name (tcp, udp, icmp, icmpv6, sctp, gre) or its number (IANA protocol numbers). Normalised to the name. */
export const ProtocolText = z.union([z.string().max(16), z.number()]).transform((value, context) => {
  const number = parseProtocol(String(value));
  if (number === undefined) {
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a protocol; use any, tcp, udp, icmp, icmpv6, sctp, gre or a number from 0 to 255` });
    return z.NEVER;
  }
  return number === "any" ? "any" : formatProtocol(number);
});

/** A port from 0 to 65535. */
export const Port = z.number({ error: "a port is a whole number from 0 to 65535" }).int().min(0, "a port is at least 0").max(65_535, "a port is at most 65535");

const matchShape = {
  src: PrefixText.default("any"),
  dst: PrefixText.default("any"),
  /** Source port; absent means any. */
  sport: Port.optional(),
  /** Destination port; absent means any. */
  port: Port.optional(),
  proto: ProtocolText.default("any"),
};

interface MatchFields {
  readonly src: string;
  readonly dst: string;
  readonly sport?: number | undefined;
  readonly port?: number | undefined;
  readonly proto: string;
}

const PORT_PROTOCOLS = new Set(["tcp", "udp", "sctp"]);

const checkMatch = (match: MatchFields, context: z.core.$RefinementCtx): void => {
  for (const field of ["port", "sport"] as const) {
    if (match[field] !== undefined && !PORT_PROTOCOLS.has(match.proto)) {
      context.addIssue({
        code: "custom", path: [field],
        message: match.proto === "any" ? `a ${field} needs a protocol that has ports: add proto tcp or udp` : `${match.proto} has no ports: leave ${field} out, or use proto tcp or udp`,
      });
    }
  }
  const families = [match.src, match.dst].filter((text) => text !== "any").map((text) => (text.includes(":") ? 6 : 4));
  if (families.length === 2 && families[0] !== families[1]) {
    context.addIssue({ code: "custom", path: ["dst"], message: `src ${match.src} and dst ${match.dst} are of different IP families; no packet can match both` });
  }
  const family = families[0];
  if ((match.proto === "icmp" && family === 6) || (match.proto === "icmpv6" && family === 4)) {
    context.addIssue({ code: "custom", path: ["proto"], message: `${match.proto} does not go with an IPv${family ?? 0} address; use ${match.proto === "icmp" ? "icmpv6" : "icmp"}` });
  }
};

const Label = z.string().max(64).regex(/^[\p{L}\p{N} ._:@/+-]+$/u, "use letters, digits, blanks and . _ : @ / + -");

/** What an administrator asks for with `rule add`. Lower priority numbers are tried first; equal ones by id. */
export const RuleSpec = z.strictObject({
  ...matchShape,
  action: z.enum(["drop", "pass"], { error: "an action is drop or pass" }),
  priority: z.number().int().min(0).max(65_535).default(1_000),
  /** Time to live in milliseconds; absent means until deleted. */
  ttlMs: z.number().int().min(1_000, "a ttl is at least 1s").max(POLICY_LIMITS.ttlMaxMs, "a ttl is at most 366d").optional(),
  comment: z.string().max(POLICY_LIMITS.commentLength).optional(),
  owner: Label.optional(),
  tags: z.array(Label).max(16).default([]),
  /** The alert this rule answers, where there is one. */
  alertId: z.number().int().positive().optional(),
}).superRefine(checkMatch);
export type RuleSpec = z.output<typeof RuleSpec>;
export type RuleSpecInput = z.input<typeof RuleSpec>;

/** A filter rule as it stands in the policy. Times are ISO 8601 in UTC. */
export const FilterRule = z.object({
  id: z.number().int().positive(),
  src: z.string(), dst: z.string(), sport: z.number().int().optional(), port: z.number().int().optional(), proto: z.string(),
  action: z.enum(["drop", "pass"]),
  priority: z.number().int(),
  comment: z.string().optional(), owner: z.string().optional(), tags: z.array(z.string()), alertId: z.number().int().optional(),
  createdAt: z.string(), expiresAt: z.string().optional(),
});
export type FilterRule = z.infer<typeof FilterRule>;

/** What an administrator asks for with `forward add`: which passed packets are copied to which module. */
export const ForwardSpec = z.strictObject({
  ...matchShape,
  module: z.string().regex(TOKEN_PATTERN, "a module name is 1 to 64 of A-Z a-z 0-9 _ -"),
  /** Bytes of each packet that are copied, from the Ethernet header on. */
  snaplen: z.number().int().min(64, "snaplen is at least 64").max(9_216, "snaplen is at most 9216").default(9_216),
  comment: z.string().max(POLICY_LIMITS.commentLength).optional(),
  owner: Label.optional(),
}).superRefine(checkMatch);
export type ForwardSpec = z.output<typeof ForwardSpec>;
export type ForwardSpecInput = z.input<typeof ForwardSpec>;

/** A forwarding rule as it stands in the policy. */
export const ForwardRule = z.object({
  id: z.number().int().positive(),
  src: z.string(), dst: z.string(), sport: z.number().int().optional(), port: z.number().int().optional(), proto: z.string(),
  module: z.string(), snaplen: z.number().int(),
  comment: z.string().optional(), owner: z.string().optional(),
  createdAt: z.string(),
});
export type ForwardRule = z.infer<typeof ForwardRule>;

/** A module that inspectors offer. `bit` is its place in the module mask of a sampled packet (0 to 31), never reused. */
export const ModuleBinding = z.object({
  name: z.string().regex(TOKEN_PATTERN),
  version: z.string().max(64),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  title: z.string().max(256),
  bit: z.number().int().min(0).max(POLICY_LIMITS.modules - 1),
});
export type ModuleBinding = z.infer<typeof ModuleBinding>;
