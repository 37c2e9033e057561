import { Values } from "../context.js";
import type { CommandSpec, Options } from "../command.js";
import { DEFAULT_WATCH } from "../output/watch.js";

type OptionSpec = NonNullable<CommandSpec["options"]>[number];

export const MATCH_OPTIONS: readonly OptionSpec[] = [
  ["--src <prefix>", "source address or prefix, or @NAME of a set", { default: "any", complete: "addresses" }],
  ["--dst <prefix>", "destination address or prefix, or @NAME of a set", { default: "any", complete: "addresses" }],
  ["--sport <ports>", "source ports: 53, 1000-2000 or 53,1000-2000", { default: "any" }],
  ["--port <ports>", "destination ports: 80, 8000-8100 or 80,443,8000-8100", { default: "any" }],
  [
    "--proto <protocol>",
    "protocol, by name or number",
    { choices: ["any", "tcp", "udp", "icmp", "icmpv6", "sctp", "gre"], default: "any" },
  ],
  ["--family <version>", "IP version", { choices: ["4", "6"], default: "both" }],
  ["--icmp-type <number>", "type of an ICMP message", { default: "any" }],
  ["--icmp-code <number>", "code of an ICMP message", { default: "any" }],
  ["--tcp-flags <flags>", "TCP flags that are set and, with !, that are not: syn,!ack", { default: "any" }],
  ["--fragment <kind>", "fragments", { choices: ["any", "no", "yes", "first", "later"], default: "any" }],
  ["--vlan <id>", "outer VLAN id, or none for untagged packets", { default: "any" }],
  ["--inner-vlan <id>", "VLAN id of the second tag (QinQ), or none", { default: "any" }],
  ["--iface <name>", "interface that packets come in by", { default: "any" }],
  ["--length <bytes>", "IP packet length: 1500 or 64-128", { default: "any" }],
  ["--state <state>", "of the socket that the packet belongs to", { choices: ["new", "established"], default: "any" }],
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

/** A field of a request, left out where there is no value. */
export const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

/** Ports and lengths: a single one is a number, anything else is left to the schema. */
const ranged = (given: string | undefined): number | string | undefined =>
  given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : given;

/** The match of a rule or forward, as far as its texts can be read. */
export function matchInput(values: Values, options: Options) {
  const vlan = (flag: string, given: string | undefined) =>
    given === "none" ? given : values.whole(flag, given, "a VLAN id", 0, 4_094);
  const byte = (flag: string, given: string | undefined, what: string) => values.whole(flag, given, what, 0, 255);
  const family = values.word("--family", text(options, "family"), ["4", "6"]);
  return {
    ...optional("src", text(options, "src")),
    ...optional("dst", text(options, "dst")),
    ...optional("sport", ranged(text(options, "sport"))),
    ...optional("port", ranged(text(options, "port"))),
    ...optional("proto", text(options, "proto")),
    ...optional("family", family === undefined ? undefined : family === "4" ? (4 as const) : (6 as const)),
    ...optional("icmpType", byte("--icmp-type", text(options, "icmpType"), "an ICMP type")),
    ...optional("icmpCode", byte("--icmp-code", text(options, "icmpCode"), "an ICMP code")),
    ...optional("tcpFlags", text(options, "tcpFlags")),
    ...optional("fragment", text(options, "fragment")),
    ...optional("vlan", vlan("--vlan", text(options, "vlan"))),
    ...optional("innerVlan", vlan("--inner-vlan", text(options, "innerVlan"))),
    ...optional("iface", text(options, "iface")),
    ...optional("length", ranged(text(options, "length"))),
    ...optional("state", text(options, "state")),
    ...optional("comment", text(options, "comment")),
    ...optional("owner", text(options, "owner")),
  };
}

/** The name of a thing, given as an argument. */
export function nameOf(values: Values, argument: string | undefined): string {
  if (argument === undefined) values.fault("NAME", "which one? give its name");
  else if (!/^[A-Za-z0-9_-]{1,64}$/.test(argument)) values.fault("NAME", "a name is 1 to 64 of A-Z a-z 0-9 _ -");
  return argument ?? "";
}

/** What is told where a change got no answer. */
export const unknownChange = (what: string, noun: string) => ({ what: `whether ${what}`, look: `secuxflow-cli ${noun} list` });

/** Where an item is in force: "1/2". */
export const activeOn = (item: { activeOn: number; agents: number }): string => `${item.activeOn}/${item.agents}`;
