import { Values } from "../context.js";
import type { CommandSpec, Options } from "../command.js";
import { DEFAULT_WATCH } from "../output/watch.js";

type OptionSpec = NonNullable<CommandSpec["options"]>[number];

export const MATCH_OPTIONS: readonly OptionSpec[] = [
  ["--src <prefix>", "source address or prefix", { default: "any" }],
  ["--dst <prefix>", "destination address or prefix", { default: "any" }],
  ["--sport <port>", "source port", { default: "any" }],
  ["--port <port>", "destination port", { default: "any" }],
  [
    "--proto <protocol>",
    "protocol, by name or number",
    { choices: ["any", "tcp", "udp", "icmp", "icmpv6", "sctp", "gre"], default: "any" },
  ],
];
export const WAIT_OPTION: OptionSpec = [
  "--wait <duration>",
  "how long to wait until it is in force on all agents; 0 does not wait",
  { default: "5s" },
];
export const CONFIRM_OPTION: OptionSpec = ["--confirm", "do it although it is dangerous, without asking"];
export const WATCH_OPTION: OptionSpec = [
  "--watch [interval]",
  `show it again and again until Ctrl-C (every ${DEFAULT_WATCH} if no interval is given)`,
];

/** The text of an option; undefined where it is not given. */
export const text = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
};

/** Milliseconds to wait for agents. */
export const waitMs = (values: Values, options: Options): number =>
  values.duration("--wait", text(options, "wait"), { most: "60s", zero: true }) ?? 5_000;

/** Milliseconds between two looks of `--watch`; undefined without it. */
export function watchMs(options: Options): number | undefined {
  if (options.watch === undefined) return undefined;
  const values = new Values();
  const ms = values.duration("--watch", options.watch === true ? DEFAULT_WATCH : text(options, "watch"), {
    least: "500ms",
    most: "1h",
  });
  values.check();
  return ms;
}

/** The match of a rule or forward, as far as its texts can be read. */
export function matchInput(values: Values, options: Options) {
  const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
    value === undefined ? {} : ({ [key]: value } as Record<K, V>);
  return {
    ...optional("src", text(options, "src")),
    ...optional("dst", text(options, "dst")),
    ...optional("sport", values.whole("--sport", text(options, "sport"), "a port", 0, 65_535)),
    ...optional("port", values.whole("--port", text(options, "port"), "a port", 0, 65_535)),
    ...optional("proto", text(options, "proto")),
    ...optional("comment", text(options, "comment")),
    ...optional("owner", text(options, "owner")),
  };
}

/** What is told where a change got no answer. */
export const unknownChange = (what: string, noun: string) => ({ what: `whether ${what}`, look: `secuxflow-cli ${noun} list` });

/** Where an item is in force: "1/2". */
export const activeOn = (item: { activeOn: number; agents: number }): string => `${item.activeOn}/${item.agents}`;
