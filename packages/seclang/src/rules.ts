// From a SecRule or SecAction as written to the rule it means.
import { transformationId } from "@secuxflow/rule-image";
import { parseDisruption, parseEffect, parsePhase, parseSeverity, splitActions, type Action } from "./actions.js";
import { SecLangError, type Position } from "./errors.js";
import type { Disruption, Link, Operator, Rule } from "./ir.js";
import type { Word } from "./lexer.js";
import { parseMacro } from "./macro.js";
import type { parseTargets } from "./targets.js";

/** What SecDefaultAction says for a phase. */
export interface Defaults {
  readonly disruption: Disruption;
  readonly status: number;
  readonly log: boolean;
  readonly auditLog: boolean;
  readonly transformations: readonly string[];
}

/** Without a SecDefaultAction: rules that say `block` only report. */
export const NO_DEFAULTS: Defaults = { disruption: "pass", status: 403, log: true, auditLog: true, transformations: [] };

/** @throws SecLangError when an action is none, or none that a default can have */
export function parseDefaults(word: Word): { readonly phase: number; readonly defaults: Defaults } {
  let defaults = NO_DEFAULTS;
  let phase = 2;
  for (const action of splitActions(word)) {
    const disruption = parseDisruption(action);
    if (disruption === "block") throw new SecLangError("the default action cannot be block: write deny, drop or pass", action.at);
    if (disruption !== undefined) defaults = { ...defaults, disruption };
    else if (action.name === "phase") phase = parsePhase(action);
    else if (action.name === "status") defaults = { ...defaults, status: parseStatus(action) };
    else if (action.name === "log") defaults = { ...defaults, log: true, auditLog: true };
    else if (action.name === "nolog") defaults = { ...defaults, log: false, auditLog: false };
    else if (action.name === "auditlog") defaults = { ...defaults, auditLog: true };
    else if (action.name === "noauditlog") defaults = { ...defaults, auditLog: false };
    else if (action.name === "t") defaults = { ...defaults, transformations: withTransformation(defaults.transformations,
      action) };
    else if (!IGNORED.has(action.name)) throw new SecLangError(`${action.name} cannot be a default`, action.at);
  }
  return { phase, defaults };
}

/** Actions that change nothing about what is found. */
const IGNORED = new Set(["maturity", "accuracy", "sanitisearg", "sanitisematched", "sanitiserequestheader",
  "sanitiseresponseheader",
  "sanitisematchedbytes", "deprecatevar", "setenv", "xmlns", "append", "prepend", "exec", "proxy", "pause"]);

export interface Draft {
  readonly rule: Rule;
  /** More links follow in the next directive. */
  readonly chained: boolean;
}

interface Written {
  readonly targets: ReturnType<typeof parseTargets>;
  readonly operator: Operator | undefined;
  readonly actions: Word | undefined;
  readonly at: Position;
}

/**
 * The rule of a directive that starts one.
 * @throws SecLangError for actions that are unknown, contradictory or without an id
 */
export function buildRule(written: Written, defaultsOf: (phase: number) => Defaults): Draft {
  const actions = written.actions === undefined ? [] : splitActions(written.actions);
  const phaseAction = actions.find(({ name }) => name === "phase");
  const phase = phaseAction === undefined ? 2 : parsePhase(phaseAction);
  const defaults = defaultsOf(phase);
  const idAction = actions.find(({ name }) => name === "id");
  const id = Number(idAction?.value);
  if (idAction === undefined) throw new SecLangError("the rule has no id: add id:NUMBER", written.at);
  if (!/^\d{1,10}$/.test(idAction.value) || id > 0xffff_ffff || id === 0) {
    throw new SecLangError("a rule id is a number from 1 to 4294967295", idAction.at);
  }
  const rule: Rule = {
    kind: "rule", id, phase, links: [], disruption: "pass", status: defaults.status, log: defaults.log,
      auditLog: defaults.auditLog,
    tags: [], severity: 255, version: "", revision: "", skipAfter: "", skip: 0, at: written.at,
  };
  const link = emptyLink(written, defaults.transformations);
  rule.links.push(link);
  rule.disruption = defaults.disruption;
  const chained = applyActions(rule, link, actions, defaults);
  return { rule, chained };
}

/** Adds a link to a chain. */
export function addLink(rule: Rule, written: Written, defaultsOf: (phase: number) => Defaults): boolean {
  const defaults = defaultsOf(rule.phase);
  const link = emptyLink(written, defaults.transformations);
  const actions = written.actions === undefined ? [] : splitActions(written.actions);
  for (const action of actions) {
    if (HEAD_ONLY.has(action.name) || (parseDisruption(action) ?? "block") !== "block") {
      throw new SecLangError(`${action.name} belongs to the first rule of a chain`, action.at);
    }
  }
  rule.links.push(link);
  return applyActions(rule, link, actions, defaults);
}

const HEAD_ONLY = new Set(["id", "phase", "skip", "skipafter"]);

function emptyLink(written: Written, transformations: readonly string[]): Link {
  return {
    targets: written.targets.targets, exclusions: written.targets.exclusions, operator: written.operator,
    transformations: [...transformations], capture: false, multiMatch: false, effects: [], msg: [], logdata: [], at: written.at,
  };
}

/**
 * Carries out the actions of a rule's link, also those that SecRuleUpdateActionById adds. The result says whether `chain` is
 * among them.
 */
export function applyActions(rule: Rule, link: Link, actions: readonly Action[], defaults: Defaults): boolean {
  let chained = false;
  for (const action of actions) {
    const disruption = parseDisruption(action);
    if (disruption !== undefined) {
      // In the links of a chain after the first, `block` says nothing.
      if (link === rule.links[0]) {
        rule.disruption = disruption === "block" ? defaults.disruption : disruption;
        if (disruption === "block") rule.status = defaults.status;
      }
      continue;
    }
    const effect = parseEffect(action);
    if (effect !== undefined) link.effects.push(effect);
    else chained = applySimple(rule, link, action) || chained;
  }
  return chained;
}

function applySimple(rule: Rule, link: Link, action: Action): boolean {
  const { name, value } = action;
  switch (name) {
    case "id":
    case "phase":
      return false;
    case "t":
      link.transformations = withTransformation(link.transformations, action);
      return false;
    case "chain":
      return true;
    case "capture":
      link.capture = true;
      return false;
    case "multimatch":
      link.multiMatch = true;
      return false;
    case "msg":
      link.msg = parseMacro(value);
      return false;
    case "logdata":
      link.logdata = parseMacro(value);
      return false;
    case "tag":
      rule.tags.push(value);
      return false;
    case "severity":
      rule.severity = parseSeverity(action);
      return false;
    case "ver":
      rule.version = value;
      return false;
    case "rev":
      rule.revision = value;
      return false;
    case "log":
      rule.log = true;
      rule.auditLog = true;
      return false;
    case "nolog":
      rule.log = false;
      rule.auditLog = false;
      return false;
    case "auditlog":
      rule.auditLog = true;
      return false;
    case "noauditlog":
      rule.auditLog = false;
      return false;
    case "status":
      rule.status = parseStatus(action);
      return false;
    case "skipafter":
      rule.skipAfter = value;
      return false;
    case "skip":
      if (!/^\d{1,6}$/.test(value)) throw new SecLangError("skip is followed by a number of rules", action.at);
      rule.skip = Number(value);
      return false;
    default:
      if (IGNORED.has(name)) return false;
      throw new SecLangError(`there is no action ${name}`, action.at);
  }
}

function withTransformation(before: readonly string[], action: Action): string[] {
  if (action.value.toLowerCase() === "none") return [];
  if (transformationId("seclang", action.value) === undefined) {
    throw new SecLangError(`there is no transformation ${action.value}`, action.at);
  }
  return [...before, action.value.toLowerCase()];
}

function parseStatus(action: Action): number {
  const status = Number(action.value);
  if (!/^\d{3}$/.test(action.value)) throw new SecLangError("a status has three digits", action.at);
  return status;
}
