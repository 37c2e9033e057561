import type {
  AgentList,
  Alert,
  AlertApproved,
  AlertList,
  AlertShown,
  ForwardAdded,
  ForwardList,
  ModuleList,
  Problem,
  Removed,
  RuleAdded,
  RuleList,
  StatsSnapshot,
  SuggestionShown,
  SystemStatus,
} from "@secuxflow/contracts";

/** Every document that the API sends, by the name of its shape. */
export interface Documents {
  RuleList: RuleList;
  RuleAdded: RuleAdded;
  ForwardList: ForwardList;
  ForwardAdded: ForwardAdded;
  Removed: Removed;
  ModuleList: ModuleList;
  AgentList: AgentList;
  Status: SystemStatus;
  Stats: StatsSnapshot;
  AlertList: AlertList;
  Alert: AlertShown;
  Suggestion: SuggestionShown;
  AlertApproved: AlertApproved;
  /** What an `alert` event of the stream carries. It has no envelope. */
  AlertEvent: Alert;
  Problem: Problem;
}
export type Kind = keyof Documents;
