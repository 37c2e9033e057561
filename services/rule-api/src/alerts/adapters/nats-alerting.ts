import type { Alert, AlertDetail, AlertingStatus, AlertQuery, DetectionPart, DetectionQuery, Suggestion, TriageCommand } from "@secuxflow/contracts";
import { rpcCall, type NatsLink } from "@secuxflow/nats";
import type { Alerting } from "../application/alerting.js";

/** A blast radius may look through a day of flows. */
const SUGGEST_TIMEOUT_MS = 10_000;
const STATUS_TIMEOUT_MS = 1_000;

/** The alerting service over NATS request and reply. */
export class NatsAlerting implements Alerting {
  constructor(private readonly link: NatsLink) {}

  list(query: AlertQuery): Promise<{ items: Alert[]; total: number }> {
    return rpcCall(this.link, "list", query);
  }

  show(id: number): Promise<AlertDetail> {
    return rpcCall(this.link, "show", { id });
  }

  detections(query: DetectionQuery): Promise<DetectionPart> {
    return rpcCall(this.link, "detections", query);
  }

  suggest(id: number): Promise<Suggestion> {
    return rpcCall(this.link, "suggest", { id }, { timeoutMs: SUGGEST_TIMEOUT_MS });
  }

  triage(command: TriageCommand): Promise<Alert> {
    return rpcCall(this.link, "triage", command);
  }

  status(): Promise<AlertingStatus> {
    return rpcCall(this.link, "status", {}, { timeoutMs: STATUS_TIMEOUT_MS });
  }
}
