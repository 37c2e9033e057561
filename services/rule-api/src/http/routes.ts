import {
  AddForwardRequest,
  AddRuleRequest,
  AddServiceRequest,
  AddSetRequest,
  AgentList,
  AlertApproved,
  AlertList,
  AlertQuery,
  AlertShown,
  ApproveRequest,
  CanaryRequest,
  ChangeProtectionRequest,
  ChangeSetRequest,
  ConfigureModuleRequest,
  Deleted,
  EnableModuleRequest,
  DetectionList,
  DetectionQuery,
  ForwardAdded,
  ForwardList,
  ImportRulesRequest,
  ModuleChanged,
  ModuleCommandRequest,
  ModuleList,
  ModuleShown,
  ProtectionChanged,
  ProtectionShown,
  PublishModuleRequest,
  PublishRuleSetRequest,
  QuarantineRequest,
  Removed,
  ReplaceSetRequest,
  RuleAdded,
  RuleList,
  RulesImported,
  ServiceAdded,
  ServiceList,
  SetAdded,
  SetEntriesChanged,
  SetList,
  SetShown,
  StatsSnapshot,
  SuggestionShown,
  SystemStatus,
  TopTalkers,
  TriageRequest,
  type ProblemCode,
} from "@secuxflow/contracts";
import type { z } from "zod";
import { ClearQuery, DeleteQuery, NewSetQuery, RulePageQuery, SetPageQuery, TopQuery } from "./validation.js";

/** One operation of the API, as documentation, tests and the 405 answer know it. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `{id}` or `{name}` for a path parameter. */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  /** Name and schema of the body. */
  readonly body?: readonly [string, z.ZodType];
  /** The body may be text as well, of one entry a line; the query parameters go with it. */
  readonly lines?: string;
  /** Status, name and schema of the answer; no schema for an event stream. */
  readonly answer: readonly [200 | 201, string, z.ZodType?];
  /** Besides invalid_input, unauthorized and internal. */
  readonly problems: readonly ProblemCode[];
}

const STORED = ["nats_unavailable", "storage_unavailable", "stale_revision", "conflict"] as const;
const ADDED = [...STORED, "limit_reached", "body_too_large"] as const;
const NAMES = ["unknown_set", "unknown_service"] as const;
const ALERTING = ["alerting_unavailable", "storage_unavailable"] as const;

/** Every operation of the API. A test holds it against the routes that are really served. */
export const OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    path: "/v1/rules",
    summary: "A part of the filter rules in the order they are tried, with hits and where they are in force",
    query: RulePageQuery,
    answer: [200, "RuleList", RuleList],
    problems: ["nats_unavailable"],
  },
  {
    method: "POST",
    path: "/v1/rules",
    summary: "Add a filter rule and wait until it is in force",
    body: ["AddRuleRequest", AddRuleRequest],
    answer: [201, "RuleAdded", RuleAdded],
    problems: [...ADDED, ...NAMES, "confirmation_required"],
  },
  {
    method: "POST",
    path: "/v1/rules/import",
    summary: "Add many filter rules, or replace all of them, at once and all or none",
    body: ["ImportRulesRequest", ImportRulesRequest],
    answer: [201, "RulesImported", RulesImported],
    problems: [...ADDED, ...NAMES, "confirmation_required"],
  },
  {
    method: "DELETE",
    path: "/v1/rules",
    summary: "Delete all filter rules",
    query: ClearQuery,
    answer: [200, "Removed", Removed],
    problems: [...STORED, "confirmation_required"],
  },
  {
    method: "DELETE",
    path: "/v1/rules/{id}",
    summary: "Delete one filter rule",
    query: DeleteQuery,
    answer: [200, "Removed", Removed],
    problems: [...STORED, "not_found"],
  },
  {
    method: "GET",
    path: "/v1/forwards",
    summary: "Forwarding rules",
    answer: [200, "ForwardList", ForwardList],
    problems: ["nats_unavailable"],
  },
  {
    method: "POST",
    path: "/v1/forwards",
    summary: "Forward copies of matching packets to a module",
    body: ["AddForwardRequest", AddForwardRequest],
    answer: [201, "ForwardAdded", ForwardAdded],
    problems: [...ADDED, "unknown_module", "unknown_set"],
  },
  {
    method: "DELETE",
    path: "/v1/forwards",
    summary: "Delete all forwarding rules",
    query: ClearQuery,
    answer: [200, "Removed", Removed],
    problems: [...STORED, "confirmation_required"],
  },
  {
    method: "DELETE",
    path: "/v1/forwards/{id}",
    summary: "Delete one forwarding rule",
    query: DeleteQuery,
    answer: [200, "Removed", Removed],
    problems: [...STORED, "not_found"],
  },
  {
    method: "GET",
    path: "/v1/sets",
    summary: "Address sets, without their entries",
    answer: [200, "SetList", SetList],
    problems: ["nats_unavailable"],
  },
  {
    method: "POST",
    path: "/v1/sets",
    summary: "Make an address set, which rules name as @name",
    query: NewSetQuery,
    body: ["AddSetRequest", AddSetRequest],
    lines: "its entries",
    answer: [201, "SetAdded", SetAdded],
    problems: [...ADDED, "already_exists"],
  },
  {
    method: "GET",
    path: "/v1/sets/{name}",
    summary: "An address set with a part of its entries",
    query: SetPageQuery,
    answer: [200, "SetShown", SetShown],
    problems: ["nats_unavailable", "not_found"],
  },
  {
    method: "DELETE",
    path: "/v1/sets/{name}",
    summary: "Delete an address set that nothing names",
    query: DeleteQuery,
    answer: [200, "Deleted", Deleted],
    problems: [...STORED, "not_found", "in_use"],
  },
  {
    method: "POST",
    path: "/v1/sets/{name}/entries",
    summary: "Add entries to an address set, and take others out",
    query: ClearQuery,
    body: ["ChangeSetRequest", ChangeSetRequest],
    lines: "entries to add",
    answer: [200, "SetEntriesChanged", SetEntriesChanged],
    problems: [...ADDED, "not_found", "confirmation_required"],
  },
  {
    method: "PUT",
    path: "/v1/sets/{name}/entries",
    summary: "Replace all entries of an address set",
    query: ClearQuery,
    body: ["ReplaceSetRequest", ReplaceSetRequest],
    lines: "its entries from then on",
    answer: [200, "SetEntriesChanged", SetEntriesChanged],
    problems: [...ADDED, "not_found", "confirmation_required"],
  },
  {
    method: "GET",
    path: "/v1/services",
    summary: "Services, each as the live agents see it",
    answer: [200, "ServiceList", ServiceList],
    problems: ["nats_unavailable"],
  },
  {
    method: "POST",
    path: "/v1/services",
    summary: "Name a service that rules can redirect to",
    body: ["AddServiceRequest", AddServiceRequest],
    answer: [201, "ServiceAdded", ServiceAdded],
    problems: [...ADDED, "already_exists", "unknown_module"],
  },
  {
    method: "DELETE",
    path: "/v1/services/{name}",
    summary: "Delete a service that no rule redirects to",
    query: DeleteQuery,
    answer: [200, "Deleted", Deleted],
    problems: [...STORED, "not_found", "in_use"],
  },
  {
    method: "GET",
    path: "/v1/protection",
    summary: "The first line of defence, and what it does on each agent",
    answer: [200, "Protection", ProtectionShown],
    problems: ["nats_unavailable"],
  },
  {
    method: "PATCH",
    path: "/v1/protection",
    summary: "Change the first line of defence; what is not named stays",
    body: ["ChangeProtectionRequest", ChangeProtectionRequest],
    answer: [200, "ProtectionChanged", ProtectionChanged],
    problems: [...STORED, "confirmation_required", "body_too_large"],
  },
  {
    method: "GET",
    path: "/v1/modules",
    summary: "Modules that inspectors offer",
    answer: [200, "ModuleList", ModuleList],
    problems: ["nats_unavailable"],
  },
  {
    method: "POST",
    path: "/v1/modules",
    summary: "Publish a version of a module; it runs when it is enabled",
    body: ["PublishModuleRequest", PublishModuleRequest],
    answer: [201, "ModuleChanged", ModuleChanged],
    problems: [...ADDED],
  },
  {
    method: "GET",
    path: "/v1/modules/{name}",
    summary: "A module with its versions, rule sets, settings and where it runs",
    answer: [200, "Module", ModuleShown],
    problems: ["nats_unavailable", "not_found"],
  },
  {
    method: "PATCH",
    path: "/v1/modules/{name}",
    summary: "Change settings and fail mode of a module; what is not named stays, null takes out",
    body: ["ConfigureModuleRequest", ConfigureModuleRequest],
    answer: [200, "ModuleChanged", ModuleChanged],
    problems: [...ADDED, "not_found"],
  },
  {
    method: "POST",
    path: "/v1/modules/{name}/rules",
    summary: "Publish a compiled rule set of a module, and put it in force",
    body: ["PublishRuleSetRequest", PublishRuleSetRequest],
    answer: [201, "ModuleChanged", ModuleChanged],
    problems: [...ADDED, "not_found"],
  },
  ...(
    [
      ["enable", "Run a module, by the version and rules that are named", "EnableModuleRequest", EnableModuleRequest],
      ["disable", "Run a module no longer", "ModuleCommandRequest", ModuleCommandRequest],
      ["canary", "Try another version or rule set on a share of the flows", "CanaryRequest", CanaryRequest],
      ["promote", "Give the canary all flows", "ModuleCommandRequest", ModuleCommandRequest],
      ["rollback", "End the canary; without one, run again what ran before", "ModuleCommandRequest", ModuleCommandRequest],
      ["quarantine", "Cut a module off everywhere", "QuarantineRequest", QuarantineRequest],
      ["release", "Trust a module again: its quarantine and strikes are void", "ModuleCommandRequest", ModuleCommandRequest],
    ] as const
  ).map(
    ([verb, summary, name, schema]): Operation => ({
      method: "POST",
      path: `/v1/modules/{name}/${verb}`,
      summary,
      body: [name, schema],
      answer: [200, "ModuleChanged", ModuleChanged],
      problems: [...ADDED, "not_found"],
    }),
  ),
  {
    method: "GET",
    path: "/v1/agents",
    summary: "Agents and the revision each stands at",
    answer: [200, "AgentList", AgentList],
    problems: [],
  },
  {
    method: "GET",
    path: "/v1/status",
    summary: "The whole system at a glance",
    answer: [200, "Status", SystemStatus],
    problems: [],
  },
  {
    method: "GET",
    path: "/v1/status/top",
    summary: "The sources that sent most, over all live agents",
    query: TopQuery,
    answer: [200, "TopTalkers", TopTalkers],
    problems: [],
  },
  {
    method: "GET",
    path: "/v1/stats",
    summary: "Cumulative counters of everything that is live",
    answer: [200, "Stats", StatsSnapshot],
    problems: [],
  },
  {
    method: "GET",
    path: "/v1/alerts",
    summary: "Alerts, newest first",
    query: AlertQuery,
    answer: [200, "AlertList", AlertList],
    problems: ALERTING,
  },
  {
    method: "GET",
    path: "/v1/alerts/watch",
    summary: "Alerts as they are stored, as server-sent events `alert`",
    answer: [200, "text/event-stream"],
    problems: ["limit_reached"],
  },
  {
    method: "GET",
    path: "/v1/alerts/detections",
    summary: "A part of the stored detections in the order they were stored, for EVE and captures",
    query: DetectionQuery,
    answer: [200, "DetectionList", DetectionList],
    problems: [...ALERTING, "not_found"],
  },
  {
    method: "GET",
    path: "/v1/alerts/{id}",
    summary: "One alert with its newest detections",
    answer: [200, "AlertShown", AlertShown],
    problems: [...ALERTING, "not_found"],
  },
  {
    method: "GET",
    path: "/v1/alerts/{id}/suggestion",
    summary: "The rule that would answer an alert, and what it would hit",
    answer: [200, "SuggestionShown", SuggestionShown],
    problems: [...ALERTING, "not_found"],
  },
  {
    method: "POST",
    path: "/v1/alerts/{id}/approve",
    summary: "Make the suggested rule; twice gives the same rule",
    body: ["ApproveRequest", ApproveRequest],
    answer: [201, "AlertApproved", AlertApproved],
    problems: [...ALERTING, ...ADDED, "not_found", "confirmation_required"],
  },
  {
    method: "POST",
    path: "/v1/alerts/{id}/triage",
    summary: "Acknowledge, dismiss or reopen an alert",
    body: ["TriageRequest", TriageRequest],
    answer: [200, "AlertShown", AlertShown],
    problems: [...ALERTING, "not_found", "body_too_large"],
  },
];

const PATTERNS = [...new Set(OPERATIONS.map(({ path }) => path))].map((path) => ({
  pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  path,
}));

/** Methods that a path takes; none when there is no such path. */
export function methodsOf(path: string): string[] {
  // A fixed path ("/alerts/watch") is meant before one with a parameter.
  const found = PATTERNS.filter(({ pattern }) => pattern.test(path)).sort(
    (a, b) => Number(a.path !== path) - Number(b.path !== path),
  )[0];
  return found ? OPERATIONS.filter((operation) => operation.path === found.path).map(({ method }) => method) : [];
}
