import { visible } from "../text/escape.js";
import { fit, pad, widthOf } from "../text/width.js";
import { plain, styled, type Span, type Style } from "./printer.js";

/** One column of a table over items of type T. */
export interface Column<T> {
  readonly title: string;
  readonly value: (item: T) => string;
  readonly align?: "left" | "right";
  readonly style?: (item: T) => Style | undefined;
  /** May be cut down to this width where the terminal is narrow. */
  readonly shrinkTo?: number;
  /** May be left out where the terminal is narrow even so; higher numbers go first. */
  readonly optional?: number;
}

const GAP = 2;

interface Laid<T> {
  readonly column: Column<T>;
  readonly cells: readonly string[];
  width: number;
}

const total = (laid: readonly { width: number }[]): number => laid.reduce((sum, { width }) => sum + width + GAP, -GAP);

/** Takes columns out and cuts others until the table is no wider than asked, as far as that goes. */
function fitTo<T>(all: readonly Laid<T>[], most: number): Laid<T>[] {
  let laid = [...all];
  const least = () => laid.map(({ column, width }) => ({ width: Math.min(width, column.shrinkTo ?? width) }));
  while (total(least()) > most) {
    const candidates = laid.filter(({ column }) => column.optional !== undefined);
    const out = candidates.sort((a, b) => (b.column.optional ?? 0) - (a.column.optional ?? 0))[0];
    if (!out) break;
    laid = laid.filter((one) => one !== out);
  }
  // The widest of those that may shrink gives first, column by column.
  for (let over = total(laid) - most; over > 0; over--) {
    const widest = laid
      .filter(({ column, width }) => column.shrinkTo !== undefined && width > column.shrinkTo)
      .sort((a, b) => b.width - a.width)[0];
    if (!widest) break;
    widest.width -= 1;
  }
  return laid;
}

/**
 * Lays out a table: numbers to the right, as wide as its contents, cut to `width` columns where it must be.
 * Columns that are empty in every row and may be left out are left out.
 */
export function table<T>(columns: readonly Column<T>[], items: readonly T[], width: number): Span[][] {
  const laid = columns
    .map((column): Laid<T> => {
      const cells = items.map((item) => visible(column.value(item)));
      return { column, cells, width: cells.reduce((most, cell) => Math.max(most, widthOf(cell)), widthOf(column.title)) };
    })
    .filter(({ column, cells }) => column.optional === undefined || items.length === 0 || cells.some((cell) => cell !== ""));
  const shown = fitTo(laid, width);
  const trimmed = (spans: Span[]): Span[] => {
    while (spans.length > 0 && /^ *$/.test(plain(spans.slice(-1)))) spans.pop();
    const last = spans.pop();
    if (last === undefined) return spans;
    return [...spans, typeof last === "string" ? last.trimEnd() : { ...last, text: last.text.trimEnd() }];
  };
  const row = (cellOf: (one: Laid<T>) => Span): Span[] =>
    trimmed(
      shown.flatMap((one, index) => {
        const span = cellOf(one);
        const text = typeof span === "string" ? span : span.text;
        const last = index === shown.length - 1;
        const cut = fit(text, one.width);
        const filled = last && one.column.align !== "right" ? cut : pad(cut, one.width, one.column.align);
        const cell = styled(filled, typeof span === "string" ? undefined : span.style);
        return last ? [cell] : [cell, " ".repeat(GAP)];
      }),
    );
  return [
    row(({ column }) => ({ text: column.title, style: "bold" })),
    ...items.map((item, index) => row(({ column, cells }) => styled(cells[index] ?? "", column.style?.(item)))),
  ];
}

/** Lays out names and values in two columns. */
export function pairs(rows: readonly (readonly [string, Span] | undefined)[]): Span[][] {
  const present = rows.filter((row) => row !== undefined);
  const width = Math.max(0, ...present.map(([name]) => widthOf(visible(name))));
  return present.map(([name, value]) => [{ text: pad(visible(name), width), style: "dim" }, "  ", value]);
}
