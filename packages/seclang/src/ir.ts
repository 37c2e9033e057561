// What rules mean, independent of how they were written: the result of parsing, updating and removing, and the input of the encoder.
// All text is bytes: every character is one byte (0 to 255) of the rule file.
import type { Position } from "./errors.js";

/** Which members of a collection: all, the one of a name (upper and lower case are the same), or those whose names match. */
export type Select =
  | { readonly kind: "all" }
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "regex"; readonly pattern: string };

/** One variable that a rule looks at; `count` looks at how many there are instead. */
export interface Target {
  readonly variable: string;
  readonly count: boolean;
  readonly select: Select;
}

/** Members of a collection that a rule does not look at. */
export interface Exclusion {
  readonly variable: string;
  readonly select: Select;
}

/** Text with variables in it. */
export type Macro = readonly MacroPart[];
export type MacroPart = { readonly text: string } | { readonly variable: string; readonly key: string };

export interface Operator {
  /** Lower-case name without `@`. */
  readonly name: string;
  readonly negated: boolean;
  /** As written. */
  readonly argument: string;
  /** The argument's parts; a single text when it has no variables. */
  readonly macro: Macro;
  /** Phrases of pm and pmFromFile, addresses of ipMatchFromFile. */
  readonly phrases?: readonly string[];
}

export type Assignment = "set" | "add" | "subtract" | "unset";

/** What happens whenever a link of a rule matches a value, whatever happens to the links after it. */
export type Effect =
  | { readonly kind: "setvar"; readonly collection: string; readonly name: Macro; readonly how: Assignment; readonly value: Macro }
  | { readonly kind: "expirevar"; readonly collection: string; readonly name: Macro; readonly seconds: number }
  | { readonly kind: "initcol"; readonly collection: string; readonly key: Macro }
  | { readonly kind: "ctl"; readonly ctl: Ctl };

/** Changes to how the rest of the transaction is inspected. */
export type Ctl =
  | { readonly option: "ruleRemoveById"; readonly ranges: readonly IdRange[] }
  | { readonly option: "ruleRemoveByTag" | "ruleRemoveByMsg"; readonly text: string }
  | { readonly option: "ruleRemoveTargetById"; readonly ranges: readonly IdRange[]; readonly target: Exclusion }
  | { readonly option: "ruleRemoveTargetByTag" | "ruleRemoveTargetByMsg"; readonly text: string; readonly target: Exclusion }
  | { readonly option: "ruleEngine"; readonly mode: EngineMode }
  | { readonly option: "requestBodyProcessor"; readonly processor: BodyProcessor }
  | { readonly option: "forceRequestBodyVariable" | "requestBodyAccess" | "responseBodyAccess"; readonly on: boolean }
  | { readonly option: "ignored" };

export type EngineMode = "on" | "off" | "detectionOnly";
export type BodyProcessor = "URLENCODED" | "MULTIPART" | "XML" | "JSON";

export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/** One condition of a rule; a SecAction has no operator. */
export interface Link {
  targets: Target[];
  exclusions: Exclusion[];
  readonly operator: Operator | undefined;
  transformations: string[];
  capture: boolean;
  multiMatch: boolean;
  effects: Effect[];
  msg: Macro;
  logdata: Macro;
  readonly at: Position;
}

export type Disruption = "pass" | "deny" | "drop" | "redirect" | "allow" | "allowPhase" | "allowRequest";

export interface Rule {
  readonly kind: "rule";
  readonly id: number;
  phase: number;
  /** The conditions, which all have to match; at least one. */
  readonly links: Link[];
  /** What to do; `block` is already replaced by the default of the phase. */
  disruption: Disruption;
  status: number;
  log: boolean;
  auditLog: boolean;
  tags: string[];
  /** 0 (emergency) to 7 (debug); 255 when not given. */
  severity: number;
  version: string;
  revision: string;
  /** Marker to go on after, when the rule matched. */
  skipAfter: string;
  /** Rules to jump over, when the rule matched. */
  skip: number;
  readonly at: Position;
}

export interface Marker {
  readonly kind: "marker";
  readonly name: string;
}

export type Item = Rule | Marker;

/** Settings by SecXxx directives that inspection uses. */
export interface Settings {
  engine: EngineMode;
  requestBodyAccess: boolean;
  responseBodyAccess: boolean;
  requestBodyLimit: number;
  requestBodyNoFilesLimit: number;
  responseBodyLimit: number;
  responseMimeTypes: string[];
  argumentSeparator: string;
  argumentsLimit: number;
  collectionTimeout: number;
  jsonDepthLimit: number;
  component: string;
}

/** A directive that was left out, and why. `id` is the rule's, or 0. */
export interface Refusal extends Position {
  readonly id: number;
  readonly reason: string;
}

export interface Program {
  readonly settings: Settings;
  readonly items: Item[];
  readonly refused: Refusal[];
}
