import type { Context } from "./context.js";
import { ApiProblem, CliError } from "./errors.js";
import { EXIT } from "./exit.js";

/** Asks a yes/no question at the terminal; undefined where nobody can be asked. No is the answer of silence. */
export async function confirmed({ env }: Context, question: string): Promise<boolean | undefined> {
  if (!env.ask) return undefined;
  const answer = await env.ask(`${question} [y/N] `);
  return /^\s*(y|yes)\s*$/i.test(answer ?? "");
}

/** What is thrown when a question was answered with no. */
export const declined = (): CliError => new CliError("not confirmed: nothing was changed");

const needsFlag = (what: string, flag: string): CliError =>
  new CliError(`${what}: this needs ${flag}`, { exit: EXIT.usage, next: `the same command with ${flag}` });

/** Asks before something that cannot be taken back, unless `--confirm` was given. @throws CliError when it is not confirmed */
export async function ensureConfirmed(
  context: Context,
  given: boolean,
  what: string,
  question: () => Promise<string>,
): Promise<void> {
  if (given) return;
  if (!context.env.ask) throw needsFlag(what, "--confirm");
  if ((await confirmed(context, await question())) !== true) throw declined();
}

/** Sends a command; where the API finds it dangerous, asks and sends it again. */
export async function withConfirmation<T>(context: Context, given: boolean, send: (confirm: boolean) => Promise<T>): Promise<T> {
  try {
    return await send(given);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== "confirmation_required" || given) throw error;
    const yes = await confirmed(context, `${error.message}. Do it all the same?`);
    if (yes === undefined) throw needsFlag(error.message, "--confirm");
    if (!yes) throw declined();
    return send(true);
  }
}
