import type { Suggestion } from "@secuxflow/contracts";
import type { Alerts, ReadAlert } from "../../alerts/application/alerts.js";
import { toAlert } from "../../alerts/domain/alert-row.js";
import { draftRule, matchOf, suggest, type Subject } from "../domain/suggestion.js";
import type { History, RuleMatch } from "../domain/history.js";

/** How far back a blast radius looks. */
export const HISTORY_MS = 86_400_000;

export interface HistoryStore {
  /** @param source the attacker, for what else it did */
  history(rule: RuleMatch, source: string, windowMs: number): Promise<History>;
}

/** Suggests the rule that answers an alert. */
export class Suggestions {
  constructor(
    private readonly alerts: Alerts,
    private readonly store: HistoryStore,
  ) {}

  /** @throws ProblemError not_found; StorageUnavailable */
  async suggest(id: number): Promise<Suggestion> {
    const subject = subjectOf(await this.alerts.get(id));
    const history = await this.store.history(matchOf(draftRule(subject)), subject.alert.flow.src, HISTORY_MS);
    return suggest(subject, history);
  }
}

/** A module that watches for scans says how many ports it saw (`ports.count`); its detection names one of them. */
export function subjectOf({ row, triage }: ReadAlert): Subject {
  const counted = Object.hasOwn(row.attrs, "ports.count") ? Number(row.attrs["ports.count"]) : 0;
  return {
    alert: toAlert(row, triage),
    ports: Math.max(row.dst_ports, Number.isSafeInteger(counted) ? counted : 0),
    foundInAnswer: row.way === "to_client",
  };
}
