import type {
  AgentList,
  Alert,
  AlertApproved,
  AlertList,
  AlertShown,
  Deleted,
  DetectionList,
  ForwardAdded,
  ForwardList,
  ModuleChanged,
  ModuleList,
  ModuleShown,
  Problem,
  ProtectionChanged,
  ProtectionShown,
  Removed,
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
} from "@secuxflow/contracts";

/** Every document that the API sends, by the name of its shape. */
export interface Documents {
  RuleList: RuleList;
  RuleAdded: RuleAdded;
  RulesImported: RulesImported;
  ForwardList: ForwardList;
  ForwardAdded: ForwardAdded;
  Removed: Removed;
  SetList: SetList;
  Set: SetShown;
  SetAdded: SetAdded;
  SetEntriesChanged: SetEntriesChanged;
  ServiceList: ServiceList;
  ServiceAdded: ServiceAdded;
  Deleted: Deleted;
  Protection: ProtectionShown;
  ProtectionChanged: ProtectionChanged;
  TopTalkers: TopTalkers;
  ModuleList: ModuleList;
  Module: ModuleShown;
  ModuleChanged: ModuleChanged;
  AgentList: AgentList;
  Status: SystemStatus;
  Stats: StatsSnapshot;
  AlertList: AlertList;
  Alert: AlertShown;
  DetectionList: DetectionList;
  Suggestion: SuggestionShown;
  AlertApproved: AlertApproved;
  /** What an `alert` event of the stream carries. It has no envelope. */
  AlertEvent: Alert;
  Problem: Problem;
}
export type Kind = keyof Documents;
