import { parseEngine, parseRanges, splitActions } from "./actions.js";
import { SecLangError, type Position } from "./errors.js";
import type { IdRange, Item, Program, Refusal, Rule, Settings } from "./ir.js";
import { statements, type Statement, type Word } from "./lexer.js";
import { constantOf } from "./macro.js";
import { parseOperator } from "./operators.js";
import { addLink, applyActions, buildRule, NO_DEFAULTS, parseDefaults, type Defaults } from "./rules.js";
import { applySetting, defaultSettings } from "./settings.js";
import { parseTargets } from "./targets.js";
import { removeRules, updateTargets } from "./updates.js";

/** A rule file. A string is taken as UTF-8. */
export interface SourceFile {
  readonly name: string;
  readonly text: string | Uint8Array;
}

/** Contents of a file that rules name (`@pmFromFile`, `Include`), or undefined. `from` is the file that names it. */
export type FileReader = (name: string, from: string) => string | Uint8Array | undefined;

/** Deepest nesting of Include. */
const INCLUDE_DEPTH = 16;

/**
 * Parses rule files, in order, into one program. A directive that is wrong is refused alone, and so is a rule of which a part is
 * wrong, with all of its chain.
 */
export function parseSecLang(files: readonly SourceFile[], read: FileReader = () => undefined): Program {
  const parser = new Parser(read);
  for (const file of files) parser.file(file.name, bytesOf(file.text), 0);
  parser.finish();
  return { settings: parser.settings, items: parser.items, refused: parser.refused };
}

/** One character a byte. */
export function bytesOf(text: string | Uint8Array): string {
  return Buffer.from(typeof text === "string" ? Buffer.from(text, "utf8") : text).toString("latin1");
}

class Parser {
  readonly settings: Settings = defaultSettings();
  items: Item[] = [];
  readonly refused: Refusal[] = [];
  private readonly defaults = new Map<number, Defaults>();
  private readonly ids = new Set<number>();
  /** The chain that is being read. */
  private open: Rule | undefined;
  /** The rest of a chain is left out because a link of it was refused. */
  private skipping = false;

  constructor(private readonly reader: FileReader) {}

  file(name: string, text: string, depth: number): void {
    for (const statement of statements(text, name)) {
      if (statement instanceof SecLangError) this.refuse(statement, 0);
      else this.statement(statement, depth);
    }
  }

  finish(): void {
    if (this.open !== undefined) this.breakChain(this.open.at);
  }

  private statement(statement: Statement, depth: number): void {
    const { name, args } = statement;
    const directive = name.text.toLowerCase();
    const isRule = directive === "secrule" || directive === "secaction";
    if (this.open !== undefined && !isRule) this.breakChain(name.at);
    try {
      if (isRule) this.rule(directive, name, args);
      else this.other(directive, name, args, depth);
    } catch (error) {
      if (!(error instanceof SecLangError)) throw error;
      if (isRule) {
        this.refuse(error, this.open?.id ?? idOf(args));
        this.skipping = /(?:^|,)\s*chain\s*(?:,|$)/.test(args.at(-1)?.text ?? "");
        this.open = undefined;
      } else this.refuse(error, 0);
    }
  }

  private rule(directive: string, name: Word, args: readonly Word[]): void {
    const isAction = directive === "secaction";
    const [first, second, third] = isAction ? [undefined, undefined, args[0]] : args;
    const wanted = isAction ? 1 : 3;
    if (this.skipping) {
      this.skipping = /(?:^|,)\s*chain\s*(?:,|$)/.test((isAction ? args[0] : third)?.text ?? "");
      return;
    }
    if (args.length > wanted || args.length < (isAction ? 1 : 2)) {
      throw new SecLangError(`${name.text} takes ${isAction ? "its actions in quotes" : "variables, an operator and actions"}`,
        name.at);
    }
    const written = {
      targets: first === undefined ? { targets: [], exclusions: [] } : parseTargets(first),
      operator: second === undefined ? undefined : parseOperator(second, (file, from) => this.read(file, from)),
      actions: third,
      at: name.at,
    };
    if (first !== undefined && written.targets.targets.length === 0) throw new SecLangError("the rule looks at no variable",
      first.at);
    const defaultsOf = (phase: number): Defaults => this.defaults.get(phase) ?? NO_DEFAULTS;
    if (this.open !== undefined) {
      if (!addLink(this.open, written, defaultsOf)) this.close(this.open);
      return;
    }
    const { rule, chained } = buildRule(written, defaultsOf);
    if (this.ids.has(rule.id)) throw new SecLangError(`there is another rule ${rule.id}: rule ids are unique`, name.at);
    if (chained) this.open = rule;
    else this.close(rule);
  }

  private close(rule: Rule): void {
    this.open = undefined;
    this.ids.add(rule.id);
    this.items.push(rule);
  }

  private breakChain(at: Position): void {
    this.refuse(new SecLangError(`the chain of rule ${this.open?.id ?? 0} ends without its last rule`, at), this.open?.id ?? 0);
    this.open = undefined;
  }

  private other(directive: string, name: Word, args: readonly Word[], depth: number): void {
    const [first, second] = args;
    switch (directive) {
      case "secmarker":
        this.items.push({ kind: "marker", name: need(first, name).text });
        return;
      case "secdefaultaction": {
        const { phase, defaults } = parseDefaults(need(first, name));
        this.defaults.set(phase, defaults);
        return;
      }
      case "secruleremovebyid":
        this.remove((rule) => rangesOf(args, name).some((range) => rule.id >= range.first && rule.id <= range.last));
        return;
      case "secruleremovebytag": {
        const matches = pattern(need(first, name));
        this.remove((rule) => rule.tags.some(matches));
        return;
      }
      case "secruleremovebymsg": {
        const matches = pattern(need(first, name));
        this.remove((rule) => matches(messageOf(rule)));
        return;
      }
      case "secruleupdatetargetbyid": {
        const ranges = parseRanges(need(first, name).text, need(first, name).at);
        updateTargets(this.items, (rule) => ranges.some((range) => rule.id >= range.first && rule.id <= range.last),
          args.slice(1), name.at);
        return;
      }
      case "secruleupdatetargetbytag": {
        const matches = pattern(need(first, name));
        updateTargets(this.items, (rule) => rule.tags.some(matches), args.slice(1), name.at);
        return;
      }
      case "secruleupdatetargetbymsg": {
        const matches = pattern(need(first, name));
        updateTargets(this.items, (rule) => matches(messageOf(rule)), args.slice(1), name.at);
        return;
      }
      case "secruleupdateactionbyid":
        this.updateActions(need(first, name), need(second, name));
        return;
      case "secruleengine":
        this.settings.engine = parseEngine(need(first, name).text, need(first, name).at);
        return;
      case "include":
        this.include(need(first, name), depth);
        return;
      default:
        applySetting(this.settings, directive, name, args);
    }
  }

  private remove(which: (rule: Rule) => boolean): void {
    this.items = removeRules(this.items, which);
  }

  private updateActions(word: Word, actions: Word): void {
    const match = /^(\d+)(?::(\d+))?$/.exec(word.text);
    if (match === null) throw new SecLangError("the rule is written as ID or ID:LINK", word.at);
    const rule = this.items.find((item): item is Rule => item.kind === "rule" && item.id === Number(match[1]));
    const link = rule?.links[Number(match[2] ?? 0)];
    if (rule === undefined || link === undefined) throw new SecLangError(`there is no rule ${word.text} before this line`,
      word.at);
    const list = splitActions(actions);
    // What is given again replaces what was there; transformations as well.
    if (list.some(({ name }) => name === "t")) link.transformations = [];
    applyActions(rule, link, list, this.defaults.get(rule.phase) ?? NO_DEFAULTS);
  }

  private include(word: Word, depth: number): void {
    if (depth >= INCLUDE_DEPTH) throw new SecLangError(`files include each other more than ${INCLUDE_DEPTH} deep`, word.at);
    const text = this.read(word.text, word.at.file);
    if (text === undefined) throw new SecLangError(`the file ${word.text} was not given`, word.at);
    this.file(word.text, text, depth + 1);
  }

  private read(file: string, from: string): string | undefined {
    const found = this.reader(file, from);
    return found === undefined ? undefined : bytesOf(found);
  }

  private refuse(error: SecLangError, id: number): void {
    this.refused.push({ id, reason: error.reason, ...error.at });
  }
}

function need(word: Word | undefined, name: Word): Word {
  if (word === undefined) throw new SecLangError(`${name.text} lacks an argument`, name.at);
  return word;
}

const rangesOf = (args: readonly Word[], name: Word): IdRange[] => parseRanges(args.map(({ text }) => text).join(" "), name.at);

/** Tags and messages are matched by a regular expression, or as plain text when it is none. */
function pattern(word: Word): (text: string) => boolean {
  try {
    const expression = new RegExp(word.text);
    return (text) => expression.test(text);
  } catch {
    return (text) => text.includes(word.text);
  }
}

const messageOf = (rule: Rule): string => constantOf(rule.links[0]?.msg ?? []) ?? "";

const idOf = (args: readonly Word[]): number => Number(/(?:^|[,\s])id:'?(\d{1,10})/.exec(args.at(-1)?.text ?? "")?.[1] ?? 0);
