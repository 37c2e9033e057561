import { SecLangError, type Position } from "./errors.js";
import type { BodyProcessor, Ctl, Disruption, Effect, EngineMode, Exclusion, IdRange } from "./ir.js";
import type { Word } from "./lexer.js";
import { parseMacro } from "./macro.js";
import { parseTargets } from "./targets.js";

/** An action as written: `setvar:'tx.a=1'` has the name `setvar` and the value `tx.a=1`. */
export interface Action {
  readonly name: string;
  readonly value: string;
  readonly at: Position;
}

/** Splits an action list at commas outside of single quotes. */
export function splitActions(word: Word): Action[] {
  const actions: Action[] = [];
  const { text } = word;
  let i = 0;
  while (i < text.length) {
    if (/[\s,]/.test(text[i] ?? "")) {
      i++;
      continue;
    }
    const at = { ...word.at, column: word.at.column + i };
    const start = i;
    while (i < text.length && !/[:,]/.test(text[i] ?? "")) i++;
    const name = text.slice(start, i).trim().toLowerCase();
    let value = "";
    if (text[i] === ":") {
      i++;
      while (i < text.length && /\s/.test(text[i] ?? "")) i++;
      if (text[i] === "'") {
        const from = ++i;
        while (i < text.length && text[i] !== "'") i += text[i] === "\\" ? 2 : 1;
        if (i >= text.length) throw new SecLangError(`the value of ${name} lacks its closing '`, at);
        value = text.slice(from, i).replaceAll("\\'", "'");
        i++;
      } else {
        const from = i;
        while (i < text.length && text[i] !== ",") i++;
        // Quotes may start in the middle, as in setvar:tx.a='b'.
        value = text.slice(from, i).trim().replace(/^([^']*)'([^']*)'$/, "$1$2");
      }
    }
    if (name !== "") actions.push({ name, value, at });
  }
  return actions;
}

const PHASES: Readonly<Record<string, number>> = { request: 2, response: 4, logging: 5 };

export function parsePhase(action: Action): number {
  const phase = PHASES[action.value.toLowerCase()] ?? Number(action.value);
  if (!Number.isInteger(phase) || phase < 1 ||
    phase > 5) throw new SecLangError("a phase is 1 to 5, request, response or logging", action.at);
  return phase;
}

const SEVERITIES = ["EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"];

export function parseSeverity(action: Action): number {
  const named = SEVERITIES.indexOf(action.value.toUpperCase());
  const severity = named >= 0 ? named : Number(action.value);
  if (action.value === "" || !Number.isInteger(severity) || severity < 0 || severity > 7) {
    throw new SecLangError(`a severity is 0 to 7 or one of ${SEVERITIES.join(", ")}`, action.at);
  }
  return severity;
}

/** What to do with the traffic; undefined when the action is another. `block` stands for the default of the phase. */
export function parseDisruption(action: Action): Disruption | "block" | undefined {
  switch (action.name) {
    case "pass":
    case "deny":
    case "drop":
    case "redirect":
    case "block":
      return action.name;
    case "allow":
      if (action.value === "") return "allow";
      if (action.value.toLowerCase() === "phase") return "allowPhase";
      if (action.value.toLowerCase() === "request") return "allowRequest";
      throw new SecLangError("allow is followed by nothing, :phase or :request", action.at);
    default:
      return undefined;
  }
}

const WRITABLE = new Set(["TX", "IP", "GLOBAL", "SESSION", "USER", "RESOURCE"]);

/** Effects of setvar, expirevar, initcol, setsid, setuid, setrsc and ctl; undefined when the action is another. */
export function parseEffect(action: Action): Effect | undefined {
  switch (action.name) {
    case "setvar":
      return setvar(action);
    case "expirevar": {
      const match = /^([A-Za-z]+)\.([^=]+)=(\d+)$/.exec(action.value);
      if (match === null) throw new SecLangError("expirevar is written as collection.name=seconds", action.at);
      return { kind: "expirevar", collection: writable(match[1] ?? "", action), name: parseMacro(match[2] ?? ""),
        seconds: Number(match[3]) };
    }
    case "initcol": {
      const match = /^([A-Za-z]+)=([\s\S]+)$/.exec(action.value);
      if (match === null) throw new SecLangError("initcol is written as collection=key", action.at);
      return { kind: "initcol", collection: writable(match[1] ?? "", action), key: parseMacro(match[2] ?? "") };
    }
    case "setsid":
      return { kind: "initcol", collection: "SESSION", key: parseMacro(action.value) };
    case "setuid":
      return { kind: "initcol", collection: "USER", key: parseMacro(action.value) };
    case "setrsc":
      return { kind: "initcol", collection: "RESOURCE", key: parseMacro(action.value) };
    case "ctl":
      return { kind: "ctl", ctl: parseCtl(action) };
    default:
      return undefined;
  }
}

function writable(written: string, action: Action): string {
  const collection = written.toUpperCase();
  if (!WRITABLE.has(collection)) throw new SecLangError(`${written} cannot be written: use ${[...WRITABLE].join(", ")}`,
    action.at);
  return collection;
}

function setvar(action: Action): Effect {
  const match = /^(!?)\s*([A-Za-z]+)[.:]([^=]+?)\s*(?:=([\s\S]*))?$/.exec(action.value);
  if (match === null) throw new SecLangError("setvar is written as collection.name=value or !collection.name", action.at);
  const [, not, written = "", name = "", value] = match;
  const collection = writable(written, action);
  const target = { kind: "setvar", collection, name: parseMacro(name.toLowerCase()) } as const;
  if (not === "!") return { ...target, how: "unset", value: [] };
  if (value === undefined) return { ...target, how: "set", value: parseMacro("1") };
  const sign = /^\s*([+-])/.exec(value);
  // "+" before what can be a number adds; a text that starts with a sign is set as it is.
  if (sign !== null && /^\s*[+-]\s*(?:\d+\s*$|%\{)/.test(value)) {
    return { ...target, how: sign[1] === "+" ? "add" : "subtract", value: parseMacro(value.replace(/^\s*[+-]\s*/, "")) };
  }
  return { ...target, how: "set", value: parseMacro(value) };
}

const PROCESSORS: readonly BodyProcessor[] = ["URLENCODED", "MULTIPART", "XML", "JSON"];

function parseCtl(action: Action): Ctl {
  const equal = action.value.indexOf("=");
  const option = (equal < 0 ? action.value : action.value.slice(0, equal)).trim().toLowerCase();
  const value = equal < 0 ? "" : action.value.slice(equal + 1).trim();
  const onOff = (): boolean => {
    if (!/^(?:on|off)$/i.test(value)) throw new SecLangError(`${option} is On or Off`, action.at);
    return value.toLowerCase() === "on";
  };
  switch (option) {
    case "ruleremovebyid":
      return { option: "ruleRemoveById", ranges: parseRanges(value, action.at) };
    case "ruleremovebytag":
      return { option: "ruleRemoveByTag", text: value };
    case "ruleremovebymsg":
      return { option: "ruleRemoveByMsg", text: value };
    case "ruleremovetargetbyid": {
      const [ids, target] = withTarget(value, action);
      return { option: "ruleRemoveTargetById", ranges: parseRanges(ids, action.at), target };
    }
    case "ruleremovetargetbytag": {
      const [text, target] = withTarget(value, action);
      return { option: "ruleRemoveTargetByTag", text, target };
    }
    case "ruleremovetargetbymsg": {
      const [text, target] = withTarget(value, action);
      return { option: "ruleRemoveTargetByMsg", text, target };
    }
    case "ruleengine":
      return { option: "ruleEngine", mode: parseEngine(value, action.at) };
    case "requestbodyprocessor": {
      const processor = PROCESSORS.find((known) => known === value.toUpperCase());
      if (processor === undefined) throw new SecLangError(`a body processor is one of ${PROCESSORS.join(", ")}`, action.at);
      return { option: "requestBodyProcessor", processor };
    }
    case "forcerequestbodyvariable":
      return { option: "forceRequestBodyVariable", on: onOff() };
    case "requestbodyaccess":
      return { option: "requestBodyAccess", on: onOff() };
    case "responsebodyaccess":
      return { option: "responseBodyAccess", on: onOff() };
    case "auditengine":
    case "auditlogparts":
    case "debugloglevel":
    case "responsebodylimit":
    case "requestbodylimit":
    case "responsebodyprocessor":
    case "forceresponsebodyvariable":
    case "hashengine":
    case "hashenforcement":
      return { option: "ignored" };
    default:
      throw new SecLangError(`there is no ctl option ${option}`, action.at);
  }
}

function withTarget(value: string, action: Action): [string, Exclusion] {
  const semicolon = value.indexOf(";");
  if (semicolon < 0) throw new SecLangError("what to remove is written as rules;VARIABLE:member", action.at);
  const { targets } = parseTargets({ text: value.slice(semicolon + 1).replace(/^!/, ""), at: action.at });
  const [target] = targets;
  if (target === undefined) throw new SecLangError("the target to remove is missing", action.at);
  return [value.slice(0, semicolon), { variable: target.variable, select: target.select }];
}

export function parseEngine(value: string, at: Position): EngineMode {
  switch (value.toLowerCase()) {
    case "on":
      return "on";
    case "off":
      return "off";
    case "detectiononly":
      return "detectionOnly";
    default:
      throw new SecLangError("the engine is On, Off or DetectionOnly", at);
  }
}

/** Rule ids such as `942100`, `942100-942199`, several separated by space or comma. */
export function parseRanges(value: string, at: Position): IdRange[] {
  const ranges = value
    .split(/[\s,]+/)
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part);
      if (match === null) throw new SecLangError(`"${part}" is not a rule id or a range of them`, at);
      return { first: Number(match[1]), last: Number(match[2] ?? match[1]) };
    });
  if (ranges.length === 0) throw new SecLangError("rule ids are missing", at);
  return ranges;
}

export const inRanges = (id: number, ranges: readonly IdRange[]): boolean => ranges.some(({ first, last }) => id >= first &&
  id <= last);
