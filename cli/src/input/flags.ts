import type { FlagOf } from "../http/failures.js";

/** Fields of requests whose flag has another name. */
const RENAMED: Readonly<Record<string, string>> = {
  ttlMs: "--ttl",
  tags: "--tag",
  waitMs: "--wait",
  alertId: "--alert",
  sinceMs: "--since",
  maxSeverity: "--severity",
};
const PLAIN = new Set([
  "src",
  "dst",
  "sport",
  "port",
  "proto",
  "action",
  "priority",
  "comment",
  "owner",
  "module",
  "snaplen",
  "confirm",
  "limit",
  "state",
  "note",
  "id",
]);

/** The flag that a field of a request ("rule.tags.0", "options.waitMs") came from. */
export const flagOf: FlagOf = (field) => {
  const [name = ""] = field.replace(/^(rule|forward|options)\./, "").split(".");
  return RENAMED[name] ?? (PLAIN.has(name) ? `--${name}` : undefined);
};
