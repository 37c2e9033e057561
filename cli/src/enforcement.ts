import type { Enforcement } from "@secuxflow/contracts";
import { warn } from "./command.js";
import type { Context } from "./context.js";
import { EXIT, type ExitCode } from "./exit.js";
import { printDocument } from "./output/format.js";
import { counted } from "./text/numbers.js";

const waited = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** One line: what was done, and on how many agents it is in force. `done` as "rule 7 in force" or "rule 7 deleted". */
export function enforcementLine(done: string, { revision, agents, active, waitedMs }: Enforcement): string {
  if (agents === 0) return `${done} on no agent (revision ${revision}): none is live`;
  return `${done} on ${active} of ${agents} agents (revision ${revision}, ${waited(waitedMs)})`;
}

/** Whether something is in force wherever it should be. Where no agent is live, it is nowhere. */
export const isEverywhere = ({ agents, active, pending }: Enforcement): boolean =>
  agents > 0 && active === agents && pending.length === 0;

interface Applied {
  readonly enforcement: Enforcement;
  readonly warnings?: readonly string[] | undefined;
}

/** Prints the answer to a command that changed the policy. Exit code 4 when it is not in force on every agent. */
export async function printApplied(context: Context, document: Applied & object, done: string): Promise<ExitCode> {
  const { enforcement, warnings = [] } = document;
  const { pending, agents } = enforcement;
  const { out, err, format } = context;
  await printDocument(out, format, document, () => [[enforcementLine(done, enforcement)]]);
  for (const warning of warnings) warn(err, warning);
  if (isEverywhere(enforcement)) return EXIT.done;
  if (pending.length > 0) {
    warn(err, `it is stored, but not yet in force on ${counted(pending.length, "agent")}: ${pending.join(", ")}`);
    err.line("next: secuxflow-cli agent list");
  } else if (agents === 0 && warnings.length === 0) {
    warn(err, "no agent is live: it is stored, and comes into force when one starts");
  }
  return EXIT.notEverywhere;
}
