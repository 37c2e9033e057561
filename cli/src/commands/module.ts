import { routes, type ModuleList } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type Invocation } from "../command.js";
import { Values } from "../context.js";
import { EXIT } from "../exit.js";
import { printDocument } from "../output/format.js";
import type { Style } from "../output/printer.js";
import { table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { nameOf, WATCH_OPTION, watchMs } from "./common.js";
import { MODULE_CHANGES, MODULE_NAME } from "./module-change.js";
import { NEW } from "./module-new.js";
import { KEYGEN, PUSH } from "./module-push.js";
import { addModuleRules } from "./module-rules.js";
import { moduleLines, percent, shortRules } from "./module-view.js";
import { TEST } from "./module-test.js";

type ModuleView = ModuleList["items"][number];

const STYLES: Readonly<Record<string, Style>> = {
  running: "green", waiting: "yellow", published: "yellow", disabled: "dim", refused: "red", quarantined: "red", absent: "red",
};

/** How the state of a module is shown. */
export const moduleStyle = (state: string): Style | undefined => STYLES[state];

const COLUMNS: readonly Column<ModuleView>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "VERSION", value: ({ version }) => version },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => moduleStyle(state) },
  { title: "INSPECTORS", value: ({ inspectors }) => String(inspectors), align: "right" },
  { title: "FORWARDS", value: ({ forwards }) => String(forwards), align: "right" },
  { title: "RULES", value: ({ rules }) => shortRules(rules), optional: 3 },
  { title: "CANARY", value: ({ canaryShare }) => (canaryShare === undefined ? "" : percent(canaryShare)), optional: 4 },
  { title: "FAIL", value: ({ failMode }) => failMode ?? "", optional: 5 },
  { title: "DIGEST", value: ({ digest }) => digest.slice(0, 19), optional: 1 },
  { title: "TITLE", value: ({ title }) => title, shrinkTo: 12, optional: 2 },
];

/** `module`: what inspects. */
export function addModule(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "module", "inspection modules", [
    ["module list", "see all modules"],
    ["module push sensor.wasm --key signing.pem", "publish a module of your own"],
    ["module rules import emerging.rules --module ips --key signing.pem", "give a module other rules"],
    ["module canary ips --share 10%", "try the newest on a tenth of the flows"],
  ]);
  addCommand(noun, invocation, {
    name: "list",
    summary: "show the modules that inspectors offer, or that were pushed",
    options: [WATCH_OPTION],
    examples: [["module list", "all modules"]],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const list = await context.api.call("ModuleList", { path: routes.modules });
        const none = [["no modules: no inspector has announced one yet"]];
        return { document: list, lines: () => (list.items.length === 0 ? none : table(COLUMNS, list.items, context.out.width)) };
      }),
  });
  addCommand(noun, invocation, {
    name: "show",
    summary: "show one module: what runs where, its versions, rule sets and settings",
    argument: MODULE_NAME,
    examples: [["module show ips", "everything of ips"]],
    run: async (context, _options, argument) => {
      const values = new Values();
      const name = nameOf(values, argument);
      values.check();
      const shown = await context.api.call("Module", { path: routes.module(name) });
      await printDocument(context.out, context.format, shown, () => moduleLines(shown.module, context));
      return EXIT.done;
    },
  });
  addCommand(noun, invocation, NEW);
  addCommand(noun, invocation, TEST);
  addCommand(noun, invocation, PUSH);
  addCommand(noun, invocation, KEYGEN);
  for (const change of MODULE_CHANGES) addCommand(noun, invocation, change);
  addModuleRules(noun, invocation);
}
