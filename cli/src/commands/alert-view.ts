import { formatDuration, type Alert, type AlertShown, type SuggestionShown } from "@secuxflow/contracts";
import { describeFlow } from "../input/flow.js";
import { hexdump } from "../output/hexdump.js";
import { styled, type Span, type Style } from "../output/printer.js";
import { pairs, type Column } from "../output/table.js";
import { visibleLatin1 } from "../text/escape.js";
import { counted, formatBytes, formatCount } from "../text/numbers.js";
import { commandLine } from "../text/shell.js";
import { relative } from "../text/time.js";
import { viewEve } from "./eve-view.js";
import { payloadOffset } from "./payload.js";
import { ruleCommand } from "./rule-command.js";

const SEVERITY = ["", "critical", "high", "medium", "low"] as const;
const SEVERITY_STYLE: readonly (Style | undefined)[] = [undefined, "red", "red", "yellow", undefined];
const STATE_STYLE: Readonly<Record<string, Style>> = { new: "bold", approved: "green", dismissed: "dim" };

/** A severity in words. */
export const severityName = (severity: number): string => SEVERITY[severity] ?? `severity ${severity}`;
export const severityStyle = (severity: number): Style | undefined => SEVERITY_STYLE[severity];

/** Columns of a list of alerts. */
export const alertColumns = (now: number): Column<Alert>[] => [
  { title: "ID", value: ({ id }) => String(id), align: "right" },
  { title: "SEEN", value: ({ lastSeen }) => relative(lastSeen, now) },
  { title: "SEVERITY", value: ({ severity }) => severityName(severity), style: ({ severity }) => severityStyle(severity) },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => STATE_STYLE[state], optional: 2 },
  { title: "COUNT", value: ({ count }) => formatCount(count), align: "right", optional: 3 },
  { title: "MODULE", value: ({ module }) => module, optional: 4, shrinkTo: 6 },
  { title: "FLOW", value: ({ flow }) => describeFlow(flow), shrinkTo: 20 },
  { title: "SUMMARY", value: ({ summary }) => summary, shrinkTo: 16 },
  { title: "RULE", value: ({ ruleId }) => (ruleId === undefined ? "" : String(ruleId)), align: "right", optional: 1 },
];

/** One alert as one line of a stream. */
export function alertLine(alert: Alert): Span[] {
  const { id, lastSeen, severity, module, flow, summary, count, state, ruleId } = alert;
  return [
    `${lastSeen}  `,
    styled(severityName(severity).padEnd(8), severityStyle(severity)),
    `  alert ${id}`,
    ...(count > 1 ? [` (${formatCount(count)} times)`] : []),
    `  ${module}  ${describeFlow(flow)}  `,
    { text: summary, style: "bold" },
    ...(state === "new" ? [] : [`  [${state}${ruleId === undefined ? "" : ` by rule ${ruleId}`}]`]),
  ];
}

type Detection = AlertShown["detections"][number];

/** Attributes that have a line of their own; the others follow by their names. */
const REQUEST = ["http.method", "http.uri", "http.host", "http.user_agent"];
const MATCH = ["message", "match.data", "match.location", "match.transformations"];

function detectionLines({ attributes, packet, ...detection }: Detection): Span[][] {
  const get = (name: string): string | undefined => {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    return value === undefined || value === "" ? undefined : visibleLatin1(value);
  };
  const row = (title: string, value: string | undefined, style?: Style): readonly [string, Span] | undefined =>
    value === undefined ? undefined : [title, styled(value, style)];
  const line = [get("http.method"), get("http.uri")].filter((part) => part !== undefined).join(" ");
  const others = Object.keys(attributes)
    .filter((name) => !REQUEST.includes(name) && !MATCH.includes(name))
    .sort();
  const frame = packet === undefined ? new Uint8Array(0) : Buffer.from(packet, "base64");
  const offset = payloadOffset(frame);
  // What the rule saw, where the module tells: the packet may be only the last piece of it.
  const seen = detection.payload === undefined ? undefined : Buffer.from(detection.payload, "base64");
  const payload = seen ?? frame.subarray(offset);
  const eve = viewEve(detection.eve);
  return [
    [{ text: "newest detection", style: "bold" }],
    ...pairs([
      [
        "  seen",
        `${detection.time} by ${detection.inspector}, ${detection.direction.replace("_", " ")}, confidence ${detection.confidence} %`,
      ],
      [
        "  module",
        `${detection.module.name} ${detection.module.version}, rule ${detection.rule.id} (${detection.rule.category})`,
      ],
      row("  message", get("message")),
      row("  request", line === "" ? eve.request : line),
      row("  host", get("http.host") ?? eve.host),
      row("  user agent", get("http.user_agent") ?? eve.userAgent),
      ...eve.more.map(([title, value]) => row(`  ${title}`, value)),
      row("  match", get("match.data"), "red"),
      row("  found in", get("match.location")),
      row("  transformations", get("match.transformations")?.replaceAll(",", ", ")),
      ...others.map((name) => row(`  ${name}`, get(name))),
    ]),
    ...(payload.length === 0
      ? []
      : [
          [],
          [{ text: seen === undefined && offset === 0 ? "packet" : "payload", style: "bold" as const }, ` ${counted(payload.length, "byte")}`],
          ...hexdump(payload).map((text): Span[] => [`  ${text}`]),
        ]),
  ];
}

/** One alert for people. */
export function alertLines({ alert, detections, triage }: AlertShown, now: number): Span[][] {
  const { id, state, ruleId, severity, rule, flow, count, firstSeen, lastSeen, summary } = alert;
  const [newest] = detections;
  const times =
    count === 1
      ? `once, ${relative(lastSeen, now)} (${lastSeen})`
      : `${formatCount(count)} times, first ${relative(firstSeen, now)}, last ${relative(lastSeen, now)} (${lastSeen})`;
  return [
    [{ text: `alert ${id}`, style: "bold" }, "  ", styled(severityName(severity), severityStyle(severity)), `  ${summary}`],
    ...pairs([
      ["state", ruleId === undefined ? state : `${state}: rule ${ruleId} answers it`],
      ["found by", `${alert.module}, rule ${rule.id}: ${rule.name} (${rule.category})`],
      ["flow", describeFlow(flow)],
      ["seen", times],
    ]),
    [],
    ...(newest ? detectionLines(newest) : [["its detections are no longer kept"]]),
    ...(triage.length === 0
      ? []
      : [
          [],
          [{ text: "history", style: "bold" as const }],
          ...triage.map((entry): Span[] => [
            `  ${relative(entry.at, now)}  ${entry.actor}  ${entry.state}${entry.ruleId === undefined ? "" : ` (rule ${entry.ruleId})`}${entry.note === undefined ? "" : `: ${entry.note}`}`,
          ]),
        ]),
    [],
    [{ text: "next", style: "bold" }],
    ...(ruleId === undefined
      ? [
          [`  secuxflow-cli alert suggest ${id}   # the rule that would answer it, and what it would hit`],
          [`  secuxflow-cli alert approve ${id}   # make that rule`],
          ...(state === "new" ? [[`  secuxflow-cli alert ack ${id}       # seen`]] : []),
          [`  secuxflow-cli alert dismiss ${id}   # a false alarm`],
        ]
      : [[`  secuxflow-cli rule show --id ${ruleId}`]]),
  ];
}

/** A suggestion for people: the command, why, and what it would have hit. Warnings are told apart from it, on stderr. */
export function suggestionLines({ alertId, rule, reason, blastRadius: blast }: SuggestionShown): Span[][] {
  const innocent: Span = { text: formatCount(blast.flowsWithout), style: blast.flowsWithout > 0 ? "yellow" : "green" };
  return [
    [{ text: `suggested for alert ${alertId}`, style: "bold" }, `: ${reason}`],
    [],
    ["  ", { text: commandLine(ruleCommand(rule)), style: "cyan" }],
    [],
    [
      { text: "blast radius", style: "bold" },
      ` in the last ${formatDuration(blast.windowMs)} it would have hit ${counted(blast.flows, "flow")} of ${counted(blast.sources, "source")} ` +
        `(${counted(blast.packets, "packet")}, ${formatBytes(blast.bytes)}): ${formatCount(blast.flowsWithDetections)} with detections, `,
      innocent,
      " without",
    ],
    [{ text: `  ${blast.coverage}`, style: "dim" }],
  ];
}
