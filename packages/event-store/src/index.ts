export type { Decider } from "./decider.js";
export { HistoryRewound, MessageTooLarge, RevisionConflict, StoreUnavailable } from "./errors.js";
export type { Appended, AppendOptions, EventStore, FollowOptions, Stored } from "./store.js";
export { InMemoryEventStore } from "./in-memory.js";
export {
  CommandContention,
  executeCommand,
  loadState,
  type Aggregate,
  type CommandResult,
  type ExecuteOptions,
} from "./execute.js";
export { StateCache } from "./state-cache.js";
