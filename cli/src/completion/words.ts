import type { Argument, Command, Option } from "commander";
import { KNOWN_VALUES, type Completer } from "../command.js";

/** A word that may stand at the cursor. */
export interface Word {
  readonly word: string;
  readonly description: string;
}

/** What fits at the cursor: words known beforehand, or what is to be looked up. */
export interface Completion {
  readonly words: readonly Word[];
  readonly lookUp: Completer | undefined;
  /** What a word must begin with. */
  readonly prefix: string;
}

/** Options of a command and of those above it. */
const optionsOf = (command: Command): readonly Option[] =>
  [...command.options, ...(command.parent ? optionsOf(command.parent) : [])].filter(({ hidden }) => !hidden);

const takesValue = (option: Option | undefined): option is Option => option?.required === true;

/** What may stand at the cursor; the last of `words` is what is there already. The words begin after the program's name. */
export function completionAt(program: Command, words: readonly string[]): Completion {
  const prefix = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  let command = program;
  let pending: Option | undefined;
  let plain = 0;
  for (const word of before) {
    if (pending) {
      pending = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const option = optionsOf(command).find(({ long, short }) => long === word || short === word);
      if (takesValue(option)) pending = option;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word && !isHidden(one));
    if (next) command = next;
    else plain += 1;
  }
  if (pending) return valueOf(pending, prefix);
  if (prefix.startsWith("-")) return { prefix, lookUp: undefined, words: optionsOf(command).map(optionWord) };
  const nouns = command.commands.filter((one) => !isHidden(one));
  if (nouns.length > 0)
    return {
      prefix,
      lookUp: undefined,
      words: nouns.map((one) => ({ word: one.name(), description: one.summary() || one.description() })),
    };
  const argument = command.registeredArguments[plain];
  if (argument) return valueOf(argument, prefix);
  return { prefix, lookUp: undefined, words: optionsOf(command).map(optionWord) };
}

const isHidden = (command: Command): boolean => command.name().startsWith("__");

const optionWord = (option: Option): Word => ({ word: option.long ?? option.short ?? "", description: option.description });

function valueOf(of: Option | Argument, prefix: string): Completion {
  const { choices = [], lookUp } = KNOWN_VALUES.get(of) ?? {};
  return { prefix, lookUp, words: choices.map((word) => ({ word, description: "" })) };
}
