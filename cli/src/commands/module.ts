import { routes, type ModuleList } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type Invocation } from "../command.js";
import type { Style } from "../output/printer.js";
import { table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { WATCH_OPTION, watchMs } from "./common.js";

type ModuleView = ModuleList["items"][number];

const STYLES: Readonly<Record<string, Style>> = { running: "green", waiting: "yellow", quarantined: "red", absent: "red" };

/** How the state of a module is shown. */
export const moduleStyle = (state: string): Style | undefined => STYLES[state];

const COLUMNS: readonly Column<ModuleView>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "VERSION", value: ({ version }) => version },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => moduleStyle(state) },
  { title: "INSPECTORS", value: ({ inspectors }) => String(inspectors), align: "right" },
  { title: "FORWARDS", value: ({ forwards }) => String(forwards), align: "right" },
  { title: "DIGEST", value: ({ digest }) => digest.slice(0, 19), optional: 1 },
  { title: "TITLE", value: ({ title }) => title, shrinkTo: 12, optional: 2 },
];

/** `module`: what inspects. */
export function addModule(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "module", "inspection modules", [["module list", "see all modules"]]);
  addCommand(noun, invocation, {
    name: "list",
    summary: "show the modules that inspectors offer",
    options: [WATCH_OPTION],
    examples: [["module list", "all modules"]],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const list = await context.api.call("ModuleList", { path: routes.modules });
        const none = [["no modules: no inspector has announced one yet"]];
        return { document: list, lines: () => (list.items.length === 0 ? none : table(COLUMNS, list.items, context.out.width)) };
      }),
  });
}
