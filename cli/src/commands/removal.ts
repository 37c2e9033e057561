import type { Command } from "commander";
import { addCommand, type CommandSpec, type Invocation } from "../command.js";
import { ensureConfirmed } from "../confirm.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import { EXIT, type ExitCode } from "../exit.js";
import { flagOf } from "../input/flags.js";
import { printDocument } from "../output/format.js";
import { counted } from "../text/numbers.js";
import { CONFIRM_OPTION, nameOf, text, unknownChange, WAIT_OPTION, waitMs } from "./common.js";

/** Things with numbers that are deleted one by one or all at once. */
interface Removable {
  readonly what: "rule" | "forward";
  readonly all: string;
  readonly one: (id: number) => string;
  /** How many there are. */
  readonly count: (context: Context) => Promise<number>;
  /** What follows from clearing, as a sentence. */
  readonly consequence?: string;
  readonly examples: { readonly delete: CommandSpec["examples"]; readonly clear: CommandSpec["examples"] };
}

/** `delete` and `clear` of a noun. */
export function addRemoval(noun: Command, invocation: Invocation, of: Removable): void {
  const { what, consequence } = of;
  const lookUp = `${what}s` as const;
  addCommand(noun, invocation, {
    name: "delete",
    summary: `delete a ${what}, and wait until it is out of force`,
    options: [["--id <id>", "its number", { complete: lookUp }], WAIT_OPTION],
    argument: { name: "id", description: "its number", complete: lookUp },
    examples: of.examples.delete,
    run: async (context, options, argument) => {
      const values = new Values();
      const id = values.id("--id", text(options, "id"), argument);
      const wait = waitMs(values, options);
      values.check();
      return deleteOne(context, "Removed", { what, label: id, path: of.one(id), wait });
    },
  });
  addCommand(noun, invocation, {
    name: "clear",
    summary: `delete all ${what}s`,
    description: `Delete all ${what}s${consequence === undefined ? "" : `: ${consequence}`}. Asks first; where nobody can be asked, --confirm is needed.`,
    options: [CONFIRM_OPTION, WAIT_OPTION],
    examples: of.examples.clear,
    run: async (context, options) => {
      const values = new Values();
      const wait = waitMs(values, options);
      values.check();
      await ensureConfirmed(context, options.confirm === true, `${what} clear deletes all ${what}s`, async () => {
        const after = consequence === undefined ? "" : ` After that ${consequence}.`;
        return `Delete all ${what}s (${await of.count(context)} at the moment)?${after}`;
      });
      return clear(context, of, wait);
    },
  });
}

/** Things with names, deleted one by one. */
interface NamedRemovable {
  readonly what: "set" | "service";
  readonly summary: string;
  readonly argument: NonNullable<CommandSpec["argument"]>;
  readonly path: (name: string) => string;
  readonly examples: CommandSpec["examples"];
}

/** `delete` of a noun whose things have names. */
export function addNamedRemoval(noun: Command, invocation: Invocation, { what, summary, argument, path, examples }: NamedRemovable): void {
  addCommand(noun, invocation, {
    name: "delete",
    summary,
    options: [WAIT_OPTION],
    argument,
    examples,
    run: async (context, options, given) => {
      const values = new Values();
      const name = nameOf(values, given);
      const wait = waitMs(values, options);
      values.check();
      return deleteOne(context, "Deleted", { what, label: name, path: path(name), wait });
    },
  });
}

interface Deletion {
  readonly what: Removable["what"] | NamedRemovable["what"];
  /** Number or name. */
  readonly label: number | string;
  readonly path: string;
  readonly wait: number;
}

async function deleteOne(context: Context, kind: "Removed" | "Deleted", { what, label, path, wait }: Deletion): Promise<ExitCode> {
  const deleted = await context.api.call(kind, {
    method: "DELETE",
    path,
    query: { waitMs: wait },
    extraMs: wait,
    flagOf,
    unknown: unknownChange(`${what} ${label} was deleted`, what),
  });
  return printApplied(context, deleted, `${what} ${label} deleted`);
}

async function clear(context: Context, { what, all }: Removable, wait: number): Promise<ExitCode> {
  const removed = await context.api.call("Removed", {
    method: "DELETE",
    path: all,
    query: { confirm: true, waitMs: wait },
    extraMs: wait,
    flagOf,
    unknown: unknownChange(`the ${what}s were deleted`, what),
  });
  if (removed.ids.length > 0) return printApplied(context, removed, `${counted(removed.ids.length, what)} deleted`);
  await printDocument(context.out, context.format, removed, () => [[`there were no ${what}s`]]);
  return EXIT.done;
}
