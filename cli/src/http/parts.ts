import { routes, type RuleList, type SetShown } from "@secuxflow/contracts";
import type { ApiClient } from "./client.js";

/** Items that are asked for at once. */
const PART = 5_000;

/** All rules, asked for part by part. One that is added or deleted meanwhile may be missing, or there; none is there twice. */
export async function allRules(api: ApiClient): Promise<RuleList> {
  const path = routes.rules;
  const first = await api.call("RuleList", { path, query: { limit: PART } });
  if (first.next === undefined) return first;
  const items = [...first.items];
  let last: RuleList = first;
  while (last.next !== undefined) {
    last = await api.call("RuleList", { path, query: { limit: PART, after: last.next } });
    for (const item of last.items) items.push(item);
  }
  return { apiVersion: first.apiVersion, kind: first.kind, revision: last.revision, items };
}

/** How many rules there are. */
export async function countRules(api: ApiClient): Promise<number> {
  const { total, items } = await api.call("RuleList", { path: routes.rules, query: { limit: 1 } });
  return total ?? items.length;
}

/** A set with all its entries, asked for part by part. */
export async function wholeSet(api: ApiClient, name: string): Promise<SetShown> {
  const path = routes.set(name);
  const first = await api.call("Set", { path, query: { limit: PART } });
  if (first.next === undefined) return first;
  const entries = [...first.entries];
  let last: SetShown = first;
  while (last.next !== undefined) {
    last = await api.call("Set", { path, query: { limit: PART, after: last.next } });
    for (const entry of last.entries) entries.push(entry);
  }
  return { apiVersion: first.apiVersion, kind: first.kind, revision: last.revision, set: last.set, entries };
}
