import { z } from "zod";
import { POLICY_LIMITS } from "./limits.js";
import { Comment, Name, PrefixText } from "./text.js";

const tooMany = `a set holds ${POLICY_LIMITS.setEntries} entries at most: split it into several sets, or aggregate prefixes`;
const unique = (entries: string[]): string[] => [...new Set(entries)];
/** Prefixes as they are asked for: each normalised, no two the same. */
const Entries = z.array(PrefixText).max(POLICY_LIMITS.setEntries, tooMany).overwrite(unique);
/** Prefixes as they are kept. */
const StoredEntries = z.array(z.string()).max(POLICY_LIMITS.setEntries);

/** A named set of IPv4 and IPv6 prefixes that rules name as `@name`. */
export const SetSpec = z.strictObject({ name: Name, comment: Comment.optional(), entries: Entries.default([]) });
export type SetSpec = z.output<typeof SetSpec>;
export type SetSpecInput = z.input<typeof SetSpec>;

/** What to add to a set and what to take out of it. One prefix cannot be in both. */
export const SetChange = z.strictObject({ add: Entries.default([]), remove: Entries.default([]) }).superRefine(({ add, remove }, context) => {
  if (add.length + remove.length === 0) context.addIssue({ code: "custom", path: ["add"], message: "nothing to change: name prefixes to add or to remove" });
  const out = new Set(remove);
  const both = add.find((entry) => out.has(entry));
  if (both !== undefined) context.addIssue({ code: "custom", path: ["remove"], message: `${both} is added and removed at once: leave it out of one` });
});
export type SetChange = z.output<typeof SetChange>;

/** New contents of a set. */
export const SetContents = z.strictObject({ entries: Entries });
export type SetContents = z.output<typeof SetContents>;

/** Data of the event `set.created`. */
export const SetCreated = z.strictObject({ name: z.string(), comment: z.string().optional(), entries: StoredEntries });
/** Data of the event `set.changed`. */
export const SetChanged = z.strictObject({ name: z.string(), add: StoredEntries, remove: StoredEntries });
/** Data of the event `set.replaced`. */
export const SetReplaced = z.strictObject({ name: z.string(), entries: StoredEntries });

/** An address set as it stands in the policy. */
export interface AddressSet {
  readonly name: string;
  readonly comment?: string | undefined;
  /** Canonical prefixes. */
  readonly entries: ReadonlySet<string>;
}
