import {
  ProblemError,
  type Alert,
  type AlertDetail,
  type AlertingStatus,
  type AlertQuery,
  type DetectionPart,
  type DetectionQuery,
  type RuleSpec,
  type Suggestion,
  type TriageCommand,
} from "@secuxflow/contracts";
import type { Alerting } from "../alerts/application/alerting.js";
import { spec } from "./world.js";

/** An alerting service in memory: alerts 1 to 9, each from its own attacker. */
export class FakeAlerting implements Alerting {
  readonly triaged: TriageCommand[] = [];
  readonly queries: AlertQuery[] = [];
  /** Calls of `triage` that fail before one works. */
  failures = 0;
  failWith = new ProblemError("alerting_unavailable", "away");
  rule: (id: number) => RuleSpec = (id) =>
    spec({ src: `10.66.0.${id}`, dst: "10.0.0.5", proto: "tcp", port: 80, action: "drop", ttlMs: 3_600_000, alertId: id });

  alert(id: number): Alert {
    if (id > 9) throw new ProblemError("not_found", `there is no alert ${id}`, { next: "secuxflow-cli alert list" });
    const last = this.triaged.filter((command) => command.id === id).at(-1);
    return {
      id,
      state: last?.state ?? "new",
      firstSeen: "2026-01-01T00:00:00Z",
      lastSeen: "2026-01-01T00:00:00Z",
      count: 1,
      severity: 1,
      module: "ips",
      rule: { id: 1, name: "sqli", category: "web" },
      flow: { src: `10.66.0.${id}`, dst: "10.0.0.5", sport: 1, dport: 80, proto: "tcp" },
      summary: "attack",
      ...(last?.ruleId === undefined ? {} : { ruleId: last.ruleId }),
    };
  }

  list(query: AlertQuery): Promise<{ items: Alert[]; total: number }> {
    this.queries.push(query);
    return Promise.resolve({ items: [this.alert(1)], total: 1 });
  }

  async show(id: number): Promise<AlertDetail> {
    return Promise.resolve().then(() => ({ alert: this.alert(id), detections: [], triage: [] }));
  }

  readonly parts: DetectionQuery[] = [];
  detections(query: DetectionQuery): Promise<DetectionPart> {
    this.parts.push(query);
    return Promise.resolve().then(() => {
      if (query.alertId !== undefined) this.alert(query.alertId);
      return { items: [], next: query.after, more: false };
    });
  }

  async suggest(id: number): Promise<Suggestion> {
    return Promise.resolve().then(() => ({
      alertId: this.alert(id).id,
      rule: this.rule(id),
      reason: "sqli",
      warnings: ["few flows are known"],
      blastRadius: {
        windowMs: 1,
        flows: 1,
        packets: 1,
        bytes: 1,
        flowsWithDetections: 1,
        flowsWithout: 0,
        sources: 1,
        coverage: "forwarded traffic",
      },
    }));
  }

  async triage(command: TriageCommand): Promise<Alert> {
    return Promise.resolve().then(() => {
      if (this.failures-- > 0) throw this.failWith;
      this.triaged.push(command);
      return this.alert(command.id);
    });
  }

  status(): Promise<AlertingStatus> {
    return Promise.resolve({ storage: "chdb", storageOk: true, detections: 1, pending: 0, flows: 0, problems: [] });
  }
}
