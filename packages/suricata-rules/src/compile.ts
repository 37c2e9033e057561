// From rule files to checked rules. A rule that cannot be executed is refused alone, with place, sid and reason.

import { type ConfigFile, readConfiguration } from "./configuration.js";
import { Draft, type Surroundings } from "./draft.js";
import { RuleError, semantics } from "./errors.js";
import { finishRule } from "./finish.js";
import { HeaderCache, parseAction, parseHeader } from "./header.js";
import type { Refusal, Rule } from "./ir.js";
import { applyOption, isKeyword } from "./keywords/index.js";
import { parseRaw } from "./raw.js";
import { RegexCache } from "./regex.js";
import { type LogicalLine, placeOf, sourceLines } from "./source.js";
import { allVariables, type Variables } from "./variables.js";

export interface RuleFile {
  /** For messages. */
  name: string;
  text: string;
}

export interface CompileOptions {
  /** Over the defaults of variables.ts. */
  variables?: Variables;
  /** Files in the syntax of classification.config, reference.config, threshold.config; over the defaults. */
  classifications?: readonly ConfigFile[];
  references?: readonly ConfigFile[];
  thresholds?: readonly ConfigFile[];
  /** Text of a data set's file by the name that the rule gives; undefined refuses the rule. */
  readDataset?: (name: string) => string | undefined;
}

export interface Compilation {
  /** In the order of the files; of rules with the same gid and sid, the one with the highest rev. */
  rules: Rule[];
  refused: Refusal[];
  /** Rules that were commented out. */
  disabled: number;
}

/** Compiles rule files. Never throws for what is in them. */
export function compileRules(files: readonly RuleFile[], options: CompileOptions = {}): Compilation {
  const variables = allVariables(options.variables);
  const { configuration, refused } = readConfiguration(options, variables.addresses);
  const headers = new HeaderCache(variables.addresses, variables.ports);
  const surroundings: Surroundings = {
    variables,
    regexes: new RegexCache(),
    flows: new Map(),
    dataset: (name) => options.readDataset?.(name)?.split(/\r?\n/),
    requireKeyword(name) {
      if (!isKeyword(name.text)) throw semantics(name.at, `requires: the keyword ${name.text} is not here`);
    },
  };
  const found = new Map<string, { rule: Rule; line: LogicalLine }[]>();
  let disabled = 0;

  const refuse = (file: string, line: LogicalLine, error: RuleError, sid: number): void => {
    refused.push({ file, ...placeOf(line, error.at), sid, reason: error.message, kind: error.kind });
  };

  for (const file of files) {
    const source = sourceLines(file.text);
    disabled += source.disabled;
    for (const line of source.lines) {
      const draft = new Draft(surroundings);
      try {
        const raw = parseRaw(line.text);
        const action = parseAction(raw.action);
        const header = parseHeader(raw, headers);
        draft.app = header.app;
        draft.transactional = header.transactional;
        for (const option of raw.options) applyOption(draft, option);
        const rule = finishRule(draft, header, action, configuration, file.name, line.line);
        const key = `${rule.gid}:${rule.sid}`;
        const others = found.get(key) ?? [];
        const [other] = others;
        const same = others.find(({ line: { text } }) => text === line.text);
        if (other !== undefined && (same !== undefined || other.rule.rev > rule.rev)) {
          const { rev, file: where, line: at } = (same ?? other).rule;
          throw new RuleError("duplicate", 0, `sid ${rule.sid} rev ${rev} was read already, in ${where}:${at}`);
        }
        if (other !== undefined && other.rule.rev < rule.rev) {
          const replaced = `sid ${rule.sid} is replaced by rev ${rule.rev} in ${file.name}:${line.line}`;
          for (const old of others.splice(0)) refuse(old.rule.file, old.line, new RuleError("duplicate", 0, replaced), rule.sid);
        }
        // Lists of addresses come as many rules under one sid and rev: all of them are meant.
        found.set(key, [...others, { rule, line }]);
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        refuse(file.name, line, error, draft.sid || sidOf(line.text));
      }
    }
  }
  return { rules: [...found.values()].flat().map(({ rule }) => rule), refused, disabled };
}

/** The sid of a rule that could not be read, as far as it can be seen. */
function sidOf(text: string): number {
  const sid = /[;(\s]sid\s*:\s*(\d{1,10})\s*;/.exec(text);
  return sid === null ? 0 : Number(sid[1]);
}
