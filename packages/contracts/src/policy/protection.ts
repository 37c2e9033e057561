import { z } from "zod";
import { MAX_RATE } from "../net/rate.js";

const PerSecond = z.number().int("use a whole number").min(1, "it is at least 1").max(MAX_RATE, "it is at most 10^12");

/** How the policy defends hosts before and beside its rules. */
export const Protection = z.strictObject({
  /** SYN cookies from XDP: never, always, or while more than `synRate` SYNs a second arrive. */
  synCookies: z.enum(["off", "on", "auto"], { error: "synCookies is off, on or auto" }),
  /** SYNs a second that turn `auto` on. */
  synRate: PerSecond,
  /** Packets of established connections pass before the rules are tried. */
  establishedPass: z.boolean(),
  /** What one source address may send: `rate` packets a second, and `burst` packets at once. */
  perSource: z.strictObject({ rate: PerSecond, burst: PerSecond }).optional(),
});
export type Protection = z.infer<typeof Protection>;

/** A policy that says nothing of protection has none. */
export const NO_PROTECTION: Protection = { synCookies: "off", synRate: 10_000, establishedPass: false };

/** What an administrator changes; what is absent stays. `perSource: null` ends the limit. */
export const ProtectionChange = z.strictObject({ ...Protection.shape, perSource: Protection.shape.perSource.unwrap().nullable() }).partial()
  .refine((change) => Object.values(change).some((value) => value !== undefined), { error: "nothing to change: name synCookies, synRate, establishedPass or perSource" });
export type ProtectionChange = z.infer<typeof ProtectionChange>;

/** The protection after a change. */
export function changedProtection(before: Protection, { perSource, ...change }: ProtectionChange): Protection {
  const { perSource: limit, ...rest } = before;
  const named = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<Protection>;
  const next = perSource === undefined ? limit : perSource ?? undefined;
  return { ...rest, ...named, ...(next === undefined ? {} : { perSource: next }) };
}
