import { routes, type AgentList } from "@secuxflow/contracts";
import type { Command } from "commander";
import { addCommand, addNoun, type Invocation } from "../command.js";
import type { Span } from "../output/printer.js";
import { table, type Column } from "../output/table.js";
import { show } from "../output/watch.js";
import { relative } from "../text/time.js";
import { WATCH_OPTION, watchMs } from "./common.js";

type AgentView = AgentList["items"][number];

const stateOf = ({ live, state }: AgentView): string => (live ? state : "silent");

const columns = (now: number): Column<AgentView>[] => [
  { title: "AGENT", value: ({ agentId }) => agentId },
  { title: "STATE", value: stateOf, style: (agent) => (stateOf(agent) === "ok" ? "green" : agent.live ? "yellow" : "red") },
  { title: "REVISION", value: ({ revision }) => String(revision), align: "right" },
  {
    title: "BEHIND",
    value: ({ behind }) => String(behind),
    align: "right",
    style: ({ behind }) => (behind > 0 ? "yellow" : undefined),
  },
  {
    title: "INTERFACES",
    value: ({ interfaces }) => interfaces.map(({ name, mode }) => `${name} ${mode}`).join(", ") || "none",
    shrinkTo: 12,
  },
  { title: "RULES", value: ({ rules }) => String(rules), align: "right", optional: 3 },
  { title: "FORWARDS", value: ({ forwards }) => String(forwards), align: "right", optional: 4 },
  { title: "HOST", value: ({ host }) => host, optional: 5, shrinkTo: 8 },
  { title: "VERSION", value: ({ version }) => version, optional: 6 },
  { title: "SEEN", value: ({ at }) => relative(at, now), optional: 2 },
];

/** Agents as a table, with what is wrong with each below it. */
export function agentLines(agents: readonly AgentView[], now: number, width: number): Span[][] {
  if (agents.length === 0) return [["no agents: nothing is filtered"]];
  return [
    ...table(columns(now), agents, width),
    ...agents.flatMap(({ agentId, problems }) =>
      problems.map((problem): Span[] => [{ text: "! ", style: "yellow" }, `${agentId}: ${problem}`]),
    ),
  ];
}

/** `agent`: what filters. */
export function addAgent(program: Command, invocation: Invocation): void {
  const noun = addNoun(program, "agent", "agents: who enforces the rules, and where", [["agent list", "see all agents"]]);
  addCommand(noun, invocation, {
    name: "list",
    summary: "show agents, the revision each stands at, and how XDP runs on their interfaces",
    options: [WATCH_OPTION],
    examples: [
      ["agent list", "all agents"],
      ["agent list --watch", "until Ctrl-C"],
    ],
    run: (context, options) =>
      show(context, watchMs(options), async () => {
        const list = await context.api.call("AgentList", { path: routes.agents });
        return { document: list, lines: () => agentLines(list.items, context.env.now(), context.out.width) };
      }),
  });
}
