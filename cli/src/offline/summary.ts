import type { JsonObject, OfflineStats } from "@secuxflow/inspect-offline";
import { styled, type Span } from "../output/printer.js";
import { table, type Column } from "../output/table.js";
import { counted, formatBytes, formatCount } from "../text/numbers.js";

interface Row {
  readonly time: string;
  readonly flow: string;
  readonly rule: string;
  readonly severity: number;
  readonly message: string;
  readonly blocked: boolean;
}

/** Rows that one table shows. */
const MOST_ROWS = 1_000;

const COLUMNS: readonly Column<Row>[] = [
  { title: "TIME", value: ({ time }) => time },
  { title: "FLOW", value: ({ flow }) => flow, shrinkTo: 20 },
  { title: "RULE", value: ({ rule }) => rule, align: "right" },
  { title: "ACTION", value: ({ blocked }) => (blocked ? "blocked" : "allowed"), style: ({ blocked }) => (blocked ? "red" : undefined), optional: 1 },
  { title: "MESSAGE", value: ({ message }) => message, style: ({ severity }) => (severity <= 1 ? "red" : severity === 2 ? "yellow" : undefined), shrinkTo: 20 },
];

/** Text of a member; what a module wrote there instead is shown as it is. */
const textOf = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

function endOf(address: unknown, port: unknown): string {
  const host = textOf(address);
  if (port === undefined) return host;
  return host.includes(":") ? `[${host}]:${textOf(port)}` : `${host}:${textOf(port)}`;
}

/** What was found, for people: one line an alert, and how much of each. */
export class Summary {
  alerts = 0;
  drops = 0;
  readonly #rows: Row[] = [];
  readonly #byRule = new Map<string, { count: number; readonly message: string }>();

  /** Counts an event. */
  count(event: JsonObject): void {
    if (event.event_type === "alert") this.alerts++;
    else this.drops++;
  }

  /** Counts an event, and keeps what is shown of it. */
  add(event: JsonObject): void {
    this.count(event);
    if (event.event_type !== "alert") return;
    const alert = event.alert as JsonObject;
    const rule = textOf(alert.signature_id);
    const message = textOf(alert.signature);
    const known = this.#byRule.get(rule);
    if (known) known.count++;
    else this.#byRule.set(rule, { count: 1, message });
    if (this.#rows.length >= MOST_ROWS) return;
    this.#rows.push({
      time: textOf(event.timestamp).replace("T", " ").replace(/\+0000$/, ""),
      flow: `${textOf(event.proto).toLowerCase()} ${endOf(event.src_ip, event.src_port)} -> ${endOf(event.dest_ip, event.dest_port)}`,
      rule,
      severity: typeof alert.severity === "number" ? alert.severity : 3,
      message,
      blocked: alert.action === "blocked",
    });
  }

  /** The table and the counts. */
  lines(stats: Readonly<OfflineStats>, width: number): Span[][] {
    const left = this.alerts - this.#rows.length;
    const often = [...this.#byRule].filter(([, { count }]) => count > 1).sort(([, a], [, b]) => b.count - a.count).slice(0, 10);
    return [
      ...(this.#rows.length > 0 ? table(COLUMNS, this.#rows, width) : []),
      ...(left > 0 ? [[styled(`… and ${formatCount(left)} more; -o eve prints all`, "dim")]] : []),
      ...(this.#rows.length > 0 ? [[]] : []),
      ...(often.length > 0
        ? [[{ text: "most often", style: "bold" } as const], ...often.map(([rule, { count, message }]): Span[] => [`  ${formatCount(count)} times  ${rule}  ${message}`]), []]
        : []),
      [
        `${counted(stats.packets, "packet")} (${formatBytes(stats.bytes)}), ${counted(stats.flows, "flow")}, `,
        { text: counted(this.alerts, "alert"), style: this.alerts > 0 ? "yellow" : "green" },
        ...(this.drops > 0 ? [`, ${counted(this.drops, "packet")} dropped`] : []),
      ],
    ];
  }
}
