/**
 * Every route of the REST API (base `/v1`), so that server and CLI cannot drift apart.
 *
 * | route | method | request | answer |
 * | --- | --- | --- | --- |
 * | /rules | POST | AddRuleRequest | 201 RuleAdded |
 * | /rules | GET | ?after&limit | RuleList, a part of it |
 * | /rules/:id | DELETE | ?waitMs&ifRevision | Removed |
 * | /rules | DELETE | ?confirm=true&waitMs | Removed |
 * | /rules/import | POST | ImportRulesRequest | 201 RulesImported |
 * | /forwards | POST, GET, DELETE, /forwards/:id DELETE | as rules | ForwardAdded, ForwardList, Removed |
 * | /modules | POST | PublishModuleRequest | 201 ModuleChanged |
 * | /modules/:name | GET | | ModuleShown |
 * | /modules/:name | PATCH | ConfigureModuleRequest | ModuleChanged |
 * | /modules/:name/rules | POST | PublishRuleSetRequest | 201 ModuleChanged |
 * | /modules/:name/enable, canary, quarantine | POST | EnableModuleRequest, CanaryRequest, QuarantineRequest | ModuleChanged |
 * | /modules/:name/disable, promote, rollback, release | POST | ModuleCommandRequest | ModuleChanged |
 * | /modules, /agents, /status, /stats | GET | | ModuleList, AgentList, SystemStatus, StatsSnapshot |
 * | /status/top | GET | ?limit | TopTalkers |
 * | /sets | POST | AddSetRequest, or text/plain of one entry a line with ?name&comment&confirm&waitMs | 201 SetAdded |
 * | /sets | GET | | SetList |
 * | /sets/:name | GET | ?after&limit | SetShown |
 * | /sets/:name | DELETE | ?waitMs&ifRevision | Deleted |
 * | /sets/:name/entries | POST | ChangeSetRequest, or text/plain of entries to add | SetEntriesChanged |
 * | /sets/:name/entries | PUT | ReplaceSetRequest, or text/plain of all entries | SetEntriesChanged |
 * | /services | POST | AddServiceRequest | 201 ServiceAdded |
 * | /services | GET | | ServiceList |
 * | /services/:name | DELETE | ?waitMs&ifRevision | Deleted |
 * | /protection | GET | | ProtectionShown |
 * | /protection | PATCH | ChangeProtectionRequest | ProtectionChanged |
 * | /alerts | GET | AlertQuery as query parameters | AlertList |
 * | /alerts/detections | GET | DetectionQuery as query parameters | DetectionList, a part of it |
 * | /alerts/:id | GET | | AlertShown |
 * | /alerts/:id/suggestion | GET | | SuggestionShown |
 * | /alerts/:id/approve | POST | ApproveRequest | 201 AlertApproved |
 * | /alerts/:id/triage | POST | TriageRequest | AlertShown |
 * | /alerts/watch | GET | | text/event-stream: events `alert` with an Alert, a comment every 10 s |
 *
 * Errors are `application/problem+json` (Problem). `Idempotency-Key` on a POST makes a retry safe for two minutes.
 * Where a token is configured: `Authorization: Bearer`.
 */
export const routes = {
  rules: "/v1/rules",
  rule: (id: number) => `/v1/rules/${id}`,
  rulesImport: "/v1/rules/import",
  forwards: "/v1/forwards",
  forward: (id: number) => `/v1/forwards/${id}`,
  modules: "/v1/modules",
  module: (name: string) => `/v1/modules/${name}`,
  moduleRules: (name: string) => `/v1/modules/${name}/rules`,
  moduleCommand: (name: string, command: "enable" | "disable" | "canary" | "promote" | "rollback" | "quarantine" | "release") =>
    `/v1/modules/${name}/${command}`,
  agents: "/v1/agents",
  status: "/v1/status",
  statusTop: "/v1/status/top",
  sets: "/v1/sets",
  set: (name: string) => `/v1/sets/${name}`,
  setEntries: (name: string) => `/v1/sets/${name}/entries`,
  services: "/v1/services",
  service: (name: string) => `/v1/services/${name}`,
  protection: "/v1/protection",
  stats: "/v1/stats",
  alerts: "/v1/alerts",
  alertsWatch: "/v1/alerts/watch",
  alertDetections: "/v1/alerts/detections",
  alert: (id: number) => `/v1/alerts/${id}`,
  alertSuggestion: (id: number) => `/v1/alerts/${id}/suggestion`,
  alertApprove: (id: number) => `/v1/alerts/${id}/approve`,
  alertTriage: (id: number) => `/v1/alerts/${id}/triage`,
} as const;
