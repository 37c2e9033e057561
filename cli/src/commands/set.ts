import { routes, type SetEntriesChanged, type SetView } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type CommandSpec, type Invocation, type Options } from "../command.js";
import { withConfirmation } from "../confirm.js";
import { Values, type Context } from "../context.js";
import { printApplied } from "../enforcement.js";
import { ApiProblem } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { wholeSet } from "../http/parts.js";
import { flagOf } from "../input/flags.js";
import { printDocument } from "../output/format.js";
import type { Span } from "../output/printer.js";
import { pairs, table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { counted, formatCount } from "../text/numbers.js";
import { activeOn, CONFIRM_OPTION, nameOf, text, unknownChange, WAIT_OPTION, WATCH_OPTION, waitMs, watchMs } from "./common.js";
import { addNamedRemoval } from "./removal.js";
import { readInput } from "./rule-import.js";

/** A million entries take the API some seconds. */
const BULK_MS = 60_000;

const NAME: NonNullable<CommandSpec["argument"]> = { name: "NAME", description: "name of the set", complete: "sets" };
const PREFIXES = { name: "PREFIX", description: "addresses and prefixes" };

const entriesOf = (count: number): string => counted(count, "entry", "entries");

/** `set`: named sets of addresses. */
export function addSet(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "set", "address sets: many addresses under one name, which rules name as @NAME", [
    ["set create blocklist 203.0.113.0/24", "make a set"],
    ["set import blocklist addresses.txt", "fill it from a file, up to a million entries"],
    ["rule add --src @blocklist --action drop", "use it in a rule"],
  ]);
  addCommand(noun, invocation, {
    name: "create",
    summary: "make a set",
    options: [["--comment <text>", "what it is for"], WAIT_OPTION],
    argument: { name: "NAME", description: "1 to 64 of A-Z a-z 0-9 _ -" },
    rest: PREFIXES,
    examples: [
      ["set create offices 192.0.2.0/24 2001:db8:1::/48 --comment 'our own'", "a set with two entries"],
      ["set create blocklist", "an empty one"],
    ],
    run: create,
  });
  addCommand(noun, invocation, {
    name: "list",
    summary: "show all sets, how many entries they have and who names them",
    options: [WATCH_OPTION],
    examples: [["set list", "all sets"]],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const list = await context.api.call("SetList", { path: routes.sets });
        const none: Span[][] = [["no sets: secuxflow-cli set create NAME makes one"]];
        return { document: list, lines: () => (list.items.length === 0 ? none : table(COLUMNS, list.items, context.out.width)) };
      }),
  });
  addCommand(noun, invocation, {
    name: "show",
    summary: "show a set with all its entries",
    argument: NAME,
    examples: [
      ["set show blocklist", "its entries, one a line"],
      ["set show blocklist -o json", "for scripts"],
    ],
    run: showSet,
  });
  addCommand(noun, invocation, {
    name: "add",
    summary: "add entries to a set",
    options: [CONFIRM_OPTION, WAIT_OPTION],
    argument: NAME,
    rest: PREFIXES,
    examples: [["set add blocklist 203.0.113.7 198.51.100.0/24", "two entries more"]],
    run: (context, options, name, entries) => change(context, options, name, { add: entries, remove: [] }),
  });
  addCommand(noun, invocation, {
    name: "remove",
    summary: "take entries out of a set",
    options: [WAIT_OPTION],
    argument: NAME,
    rest: PREFIXES,
    examples: [["set remove blocklist 203.0.113.7", "one entry less"]],
    run: (context, options, name, entries) => change(context, options, name, { add: [], remove: entries }),
  });
  addCommand(noun, invocation, {
    name: "import",
    summary: "make a set hold what a file lists, and nothing else",
    description:
      "Make a set hold what FILE lists, one address or prefix a line, and nothing else; a set that is not there is made. What follows # or ; is a " +
      "remark. All lines are taken or, when one is wrong, none. With --add, what the set holds already stays. - is stdin.",
    options: [["--add", "keep what the set holds already"], CONFIRM_OPTION, WAIT_OPTION],
    argument: NAME,
    rest: { name: "FILE", description: "file with one address or prefix a line; - is stdin" },
    examples: [
      ["set import blocklist addresses.txt", "the set is what the file says"],
      ["set import blocklist more.txt --add", "the file's entries come to those that are there"],
    ],
    run: importSet,
  });
  addNamedRemoval(noun, invocation, {
    what: "set",
    summary: "delete a set that no rule and no forward names",
    argument: NAME,
    path: (name) => routes.set(name),
    examples: [["set delete blocklist", "delete it"]],
  });
}

const USERS = ({ usedByRules, usedByForwards }: SetView): string =>
  [
    ...(usedByRules.length === 0 ? [] : [`${usedByRules.length === 1 ? "rule" : "rules"} ${firsts(usedByRules)}`]),
    ...(usedByForwards.length === 0 ? [] : [`${usedByForwards.length === 1 ? "forward" : "forwards"} ${firsts(usedByForwards)}`]),
  ].join(", ") || "nobody";

const firsts = (ids: readonly number[]): string => ids.slice(0, 5).join(", ") + (ids.length > 5 ? ", …" : "");

const COLUMNS: readonly Column<SetView>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "ENTRIES", value: ({ entries }) => formatCount(entries), align: "right" },
  { title: "USED BY", value: USERS, shrinkTo: 12 },
  { title: "COMMENT", value: ({ comment }) => comment ?? "", shrinkTo: 10, optional: 1 },
  {
    title: "ACTIVE",
    value: activeOn,
    align: "right",
    style: ({ activeOn: active, agents }) => (agents > 0 && active === agents ? undefined : "yellow"),
  },
];

async function create(
  context: Context,
  options: Options,
  argument: string | undefined,
  entries: readonly string[],
): Promise<ExitCode> {
  const values = new Values();
  const name = nameOf(values, argument);
  const wait = waitMs(values, options);
  values.check();
  const comment = text(options, "comment");
  const added = await context.api.call("SetAdded", {
    method: "POST",
    path: routes.sets,
    body: { set: { name, ...(comment === undefined ? {} : { comment }), entries }, options: { waitMs: wait } },
    extraMs: wait,
    flagOf,
    unknown: unknownChange(`set ${name} was made`, "set"),
  });
  return printApplied(context, added, `set ${name} (${entriesOf(added.entries)}) in force`);
}

async function showSet(context: Context, _options: Options, argument: string | undefined): Promise<ExitCode> {
  const values = new Values();
  const name = nameOf(values, argument);
  values.check();
  const shown = await wholeSet(context.api, name);
  const { set, entries } = shown;
  await printDocument(context.out, context.format, shown, () => [
    ...pairs([
      ["set", set.name],
      ["entries", formatCount(set.entries)],
      ["used by", USERS(set)],
      ["comment", set.comment ?? "-"],
      ["in force", `on ${set.activeOn} of ${set.agents} agents`],
    ]),
    ...(entries.length === 0 ? [] : [[]]),
    ...entries.map((entry): Span[] => [entry]),
  ]);
  return EXIT.done;
}

const printChanged = (context: Context, changed: SetEntriesChanged): Promise<ExitCode> => {
  const { name, added, removed, entries } = changed;
  const words = [
    ...(added === 0 ? [] : [`${formatCount(added)} added`]),
    ...(removed === 0 ? [] : [`${formatCount(removed)} removed`]),
  ];
  return printApplied(context, changed, `set ${name}: ${words.join(", ") || "nothing to change"}, ${entriesOf(entries)} in force`);
};

async function change(
  context: Context,
  options: Options,
  argument: string | undefined,
  entries: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Promise<ExitCode> {
  const values = new Values();
  const name = nameOf(values, argument);
  const wait = waitMs(values, options);
  if (entries.add.length + entries.remove.length === 0) values.fault("PREFIX", "which entries? give addresses or prefixes");
  values.check();
  const changed = await withConfirmation(context, options.confirm === true, (confirm) =>
    context.api.call("SetEntriesChanged", {
      method: "POST",
      path: routes.setEntries(name),
      body: { change: entries, options: { confirm, waitMs: wait } },
      extraMs: wait,
      flagOf,
      unknown: unknownChange(`set ${name} was changed`, "set"),
    }),
  );
  return printChanged(context, changed);
}

async function importSet(
  context: Context,
  options: Options,
  argument: string | undefined,
  [file, ...more]: readonly string[],
): Promise<ExitCode> {
  const values = new Values();
  const name = nameOf(values, argument);
  const wait = waitMs(values, options);
  if (file === undefined) values.fault("FILE", "which file? - is stdin");
  if (more.length > 0) values.fault("FILE", "one file at a time");
  values.check();
  const lines = await readInput(context, file ?? "-");
  const common = {
    text: lines,
    extraMs: wait + BULK_MS,
    flagOf: (field: string) => (field.startsWith("line ") ? field : flagOf(field)),
    unknown: unknownChange(`set ${name} was changed`, "set"),
  };
  const method = options.add === true ? "POST" : "PUT";
  try {
    const changed = await withConfirmation(context, options.confirm === true, (confirm) =>
      context.api.call("SetEntriesChanged", { ...common, method, path: routes.setEntries(name), query: { confirm, waitMs: wait } }),
    );
    return await printChanged(context, changed);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== "not_found") throw error;
    const added = await context.api.call("SetAdded", { ...common, method: "POST", path: routes.sets, query: { name, waitMs: wait } });
    return printApplied(context, added, `set ${name} (${entriesOf(added.entries)}) made, in force`);
  }
}
