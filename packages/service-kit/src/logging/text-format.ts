import { REDACTED_FIELDS } from "./redact.js";

const LEVELS: Record<number, string> = { 10: "TRACE", 20: "DEBUG", 30: "INFO ", 40: "WARN ", 50: "ERROR", 60: "FATAL" };
const COLORS: Record<number, string> = { 40: "\u001b[33m", 50: "\u001b[31m", 60: "\u001b[35m" };
const HIDDEN_FIELDS = new Set(["level", "time", "service", "instance", "pid", "hostname", "msg", "err", "context"]);
// C0 and C1 controls and the characters that reorder text: logged data comes from attackers and must not steer a terminal
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Makes text safe for a terminal: one line, controls shown as `\n` or `\x1b`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (char) => {
    const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[char];
    const code = char.charCodeAt(0);
    return short ?? (code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`);
  });
}

/** One log record (a line of pino's JSON) as one line for people: `12:34:56.789 WARN  rule-api [context] message key=value`. */
export function formatRecord(json: string, color: boolean): string {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return printable(json.trimEnd());
  }
  const level = Number(record.level);
  const time = new Date(String(record.time));
  const clock = Number.isNaN(time.getTime()) ? "--:--:--.---" : time.toISOString().slice(11, 23);
  const name = LEVELS[level] ?? "     ";
  const context = text(record.context) === "" ? "" : ` [${printable(text(record.context))}]`;
  const paint = color ? COLORS[level] : undefined;
  const shownLevel = paint === undefined ? name : `${paint}${name}\u001b[0m`;
  const message = text(record.msg) === "" ? "" : ` ${printable(text(record.msg))}`;
  return `${clock} ${shownLevel} ${text(record.service)}${context}${message}${fields(record)}${errorText(record.err)}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function fields(record: Record<string, unknown>): string {
  return Object.entries(record)
    .filter(([key]) => !HIDDEN_FIELDS.has(key))
    .map(([key, value]) => ` ${printable(key)}=${fieldText(value)}`)
    .join("");
}

function fieldText(value: unknown): string {
  if (typeof value !== "string") return printable(JSON.stringify(value) ?? "undefined");
  return /^[\w.:/@+-]+$/.test(value) ? value : printable(JSON.stringify(value));
}

/** An error's kind and message, and the first place of ours in its stack: the whole stack is in the JSON format. */
function errorText(err: unknown): string {
  if (typeof err !== "object" || err === null) return "";
  const { type, message, stack } = err as Record<string, unknown>;
  const frames = typeof stack === "string" ? stack.split("\n").filter((line) => line.trimStart().startsWith("at ")) : [];
  const place = frames.find((line) => !line.includes("node_modules") && !line.includes("node:")) ?? frames[0];
  const at = place === undefined ? "" : ` (${place.trim()})`;
  return printable(` ${typeof type === "string" ? type : "Error"}: ${typeof message === "string" ? message : ""}${at}`);
}

/** pino paths of the fields that are never logged, at the top and one level down. */
export const REDACT_PATHS = REDACTED_FIELDS.flatMap((field) => [field, `*.${field}`]);
