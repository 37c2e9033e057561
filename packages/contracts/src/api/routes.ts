/**
 * Every route of the REST API (base `/v1`), so that server and CLI cannot drift apart.
 *
 * | route | method | request | answer |
 * | --- | --- | --- | --- |
 * | /rules | POST | AddRuleRequest | 201 RuleAdded |
 * | /rules | GET | | RuleList |
 * | /rules/:id | DELETE | ?waitMs&ifRevision | Removed |
 * | /rules | DELETE | ?confirm=true&waitMs | Removed |
 * | /forwards | POST, GET, DELETE, /forwards/:id DELETE | as rules | ForwardAdded, ForwardList, Removed |
 * | /modules, /agents, /status, /stats | GET | | ModuleList, AgentList, SystemStatus, StatsSnapshot |
 * | /alerts | GET | AlertQuery as query parameters | AlertList |
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
  forwards: "/v1/forwards",
  forward: (id: number) => `/v1/forwards/${id}`,
  modules: "/v1/modules",
  agents: "/v1/agents",
  status: "/v1/status",
  stats: "/v1/stats",
  alerts: "/v1/alerts",
  alertsWatch: "/v1/alerts/watch",
  alert: (id: number) => `/v1/alerts/${id}`,
  alertSuggestion: (id: number) => `/v1/alerts/${id}/suggestion`,
  alertApprove: (id: number) => `/v1/alerts/${id}/approve`,
  alertTriage: (id: number) => `/v1/alerts/${id}/triage`,
} as const;
