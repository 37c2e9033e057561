import { describeAction, describeMatch, routes } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addNoun, contextFor, type Completer, type Invocation } from "../command.js";
import { SCRIPTS, SHELLS, type Shell } from "../completion/scripts.js";
import { completionAt, type Word } from "../completion/words.js";
import type { Context } from "../context.js";
import { Printer } from "../output/printer.js";
import { counted } from "../text/numbers.js";
import { visible } from "../text/escape.js";
import { severityName } from "./alert-view.js";

const INSTALL: Readonly<Record<Shell, string>> = {
  bash: "source <(secuxflow-cli completion bash)",
  zsh: "source <(secuxflow-cli completion zsh)",
  fish: "secuxflow-cli completion fish | source",
};

/** Nobody waits longer for a completion. */
const LOOK_UP_TIMEOUT = "700ms";

/** `completion`: scripts for shells, and the hidden command that they ask. */
export function addCompletion(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "completion", "completion for your shell", [
    ["completion bash", "the script for bash; load it with: source <(secuxflow-cli completion bash)"],
  ]);
  for (const shell of SHELLS) {
    noun
      .command(shell)
      .description(`print the script for ${shell}; load it with: ${INSTALL[shell]}`)
      .addHelpText("after", `\nExamples:\n  # load it into this shell\n  ${INSTALL[shell]}\n`)
      .action(() => new Printer(invocation.env.stdout, false).text(SCRIPTS[shell]));
  }
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const { prefix, lookUp, words: known } = completionAt(program, words);
      const found = lookUp === undefined ? known : [...known, ...(await lookedUp(lookUp, invocation, words))];
      const out = new Printer(invocation.env.stdout, false);
      // A tab parts word and description; a description that holds one is made visible before.
      const lines = found
        .filter(({ word }) => word.startsWith(prefix))
        .map(({ word, description }) => `${visible(word)}\t${visible(description)}\n`);
      out.safe(lines.join(""));
    });
}

/** The value of an option that is on the command line already. */
const given = (words: readonly string[], name: string): string | undefined => {
  const at = words.lastIndexOf(name);
  return at >= 0 ? words[at + 1] : undefined;
};

async function lookedUp(what: Completer, { env }: Invocation, words: readonly string[]): Promise<Word[]> {
  const api = given(words, "--api");
  const tokenFile = given(words, "--token-file");
  try {
    return await WORDS[what](
      await contextFor(env, {
        timeout: LOOK_UP_TIMEOUT,
        ...(api === undefined ? {} : { api }),
        ...(tokenFile === undefined ? {} : { tokenFile }),
      }),
    );
  } catch {
    return []; // a shell that is completing has no place for messages
  }
}

const WORDS: Readonly<Record<Completer, (context: Context) => Promise<Word[]>>> = {
  rules: async ({ api }) =>
    (await api.call("RuleList", { path: routes.rules })).items.map((rule) => ({
      word: String(rule.id),
      description: `${describeAction(rule)} ${describeMatch(rule)}`,
    })),
  sets: async ({ api }) =>
    (await api.call("SetList", { path: routes.sets })).items.map(({ name, comment, entries }) => ({
      word: name,
      description: comment ?? counted(entries, "entry", "entries"),
    })),
  addresses: async ({ api }) =>
    (await api.call("SetList", { path: routes.sets })).items.map(({ name, comment, entries }) => ({
      word: `@${name}`,
      description: comment ?? counted(entries, "entry", "entries"),
    })),
  services: async ({ api }) =>
    (await api.call("ServiceList", { path: routes.services })).items.map(({ name, address, comment }) => ({
      word: name,
      description: comment ?? address,
    })),
  forwards: async ({ api }) =>
    (await api.call("ForwardList", { path: routes.forwards })).items.map((forward) => ({
      word: String(forward.id),
      description: `${describeMatch(forward)} to ${forward.module}`,
    })),
  modules: async ({ api }) =>
    (await api.call("ModuleList", { path: routes.modules })).items.map(({ name, title }) => ({ word: name, description: title })),
  alerts: async ({ api }) =>
    (await api.call("AlertList", { path: routes.alerts })).items.map(({ id, severity, summary }) => ({
      word: String(id),
      description: `${severityName(severity)}: ${summary}`,
    })),
};
