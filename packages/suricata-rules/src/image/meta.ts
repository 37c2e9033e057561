import type { Rule } from "../ir.js";

/** The section META: what hosts say of a rule in alerts, as JSON `{rules: {sid: {...}}}` (read by packages/eve). */
export function encodeMeta(rules: readonly Rule[]): Uint8Array {
  const texts: Record<string, unknown> = {};
  for (const rule of rules) {
    const metadata: Record<string, string[]> = {};
    for (const { key, value } of rule.metadata) (metadata[key] ??= []).push(value);
    texts[rule.sid] = {
      gid: rule.gid,
      rev: rule.rev,
      msg: rule.msg,
      classtype: rule.classtype,
      category: rule.category,
      severity: rule.priority,
      action: rule.action,
      references: rule.references.map(({ scheme, value, url }) => url ?? `${scheme}:${value}`),
      metadata,
      ...(rule.target === undefined ? {} : { target: rule.target }),
    };
  }
  return new TextEncoder().encode(JSON.stringify({ rules: texts }));
}
