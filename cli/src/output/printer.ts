import type { Sink } from "../env.js";
import { safeJson, visible } from "../text/escape.js";

const CODES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", cyan: "36" } as const;
export type Style = keyof typeof CODES;

/** A piece of a line: text, or text with a style. */
export type Span = string | { readonly text: string; readonly style: Style };

/** A span with a style; none where `style` is undefined. */
export const styled = (text: string, style: Style | undefined): Span => (style === undefined ? text : { text, style });

/** The text of spans, unescaped. */
export const plain = (spans: readonly Span[]): string =>
  spans.map((span) => (typeof span === "string" ? span : span.text)).join("");

const ESC = "\x1b[";

/**
 * The one way to a terminal. Every span is escaped here, and ANSI sequences are made here alone, so that nothing that came from a
 * packet, a comment or a server can reach the terminal as a command.
 */
export class Printer {
  constructor(
    private readonly sink: Sink,
    private readonly color: boolean,
  ) {}

  get isTTY(): boolean {
    return this.sink.isTTY;
  }

  /** Columns to lay tables out for; endless where the output is no terminal. */
  get width(): number {
    return this.sink.isTTY ? (this.sink.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  /** Rows of the terminal; endless where the output is none. */
  get rows(): number {
    return this.sink.isTTY ? (this.sink.rows ?? 24) : Number.POSITIVE_INFINITY;
  }

  /** Writes one line. */
  line(...spans: readonly Span[]): void {
    this.sink.write(`${this.#render(spans)}\n`);
  }

  lines(lines: readonly (readonly Span[])[]): void {
    this.sink.write(lines.map((spans) => `${this.#render(spans)}\n`).join(""));
  }

  /** Writes our own text that holds line breaks (help, completion scripts). */
  text(text: string): void {
    this.sink.write(text.split("\n").map(visible).join("\n"));
  }

  /** Writes a JSON document: indented, or on one line. */
  json(document: unknown, indent = 2): void {
    this.sink.write(`${safeJson(JSON.stringify(document, undefined, indent))}\n`);
  }

  /** Writes text that was made safe already, by the YAML writer. */
  safe(text: string): void {
    this.sink.write(text);
  }

  /** Writes bytes as they are. Never to a terminal: who calls it looks first. */
  bytes(bytes: Uint8Array): void {
    this.sink.write(bytes);
  }

  /** Replaces what the terminal shows by these lines, without flicker. Only on a terminal. */
  screen(lines: readonly (readonly Span[])[]): void {
    const shown = lines.slice(0, Math.max(1, this.rows - 1));
    this.sink.write(`${ESC}H${shown.map((spans) => `${this.#render(spans)}${ESC}K\n`).join("")}${ESC}J`);
  }

  /** Makes room for `screen`: scrolls away what was there before, so that it is not lost. */
  clear(): void {
    this.sink.write(`${"\n".repeat(Math.max(0, Math.min(this.rows, 200) - 1))}${ESC}H${ESC}J`);
  }

  #render(spans: readonly Span[]): string {
    return spans
      .map((span) => {
        if (typeof span === "string") return visible(span);
        const text = visible(span.text);
        return this.color && text !== "" ? `${ESC}${CODES[span.style]}m${text}${ESC}0m` : text;
      })
      .join("");
  }
}
