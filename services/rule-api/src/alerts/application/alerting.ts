import type { Alert, AlertDetail, AlertingStatus, AlertQuery, DetectionPart, DetectionQuery, Suggestion, TriageCommand } from "@secuxflow/contracts";

/** The alerting service, as this one uses it. Every call fails with ProblemError: its own, or alerting_unavailable. */
export interface Alerting {
  list(query: AlertQuery): Promise<{ items: Alert[]; total: number }>;
  show(id: number): Promise<AlertDetail>;
  detections(query: DetectionQuery): Promise<DetectionPart>;
  suggest(id: number): Promise<Suggestion>;
  triage(command: TriageCommand): Promise<Alert>;
  status(): Promise<AlertingStatus>;
}
