import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { widthOf } from "../text/width.js";
import { hexdump } from "./hexdump.js";
import { Printer, plain, type Span, type Style } from "./printer.js";
import { pairs, table, type Column } from "./table.js";
import { safeYaml } from "./yaml.js";

const capture = (color: boolean, columns: number | undefined = undefined) => {
  let text = "";
  const sink = { write: (part: string | Uint8Array) => void (text += String(part)), isTTY: columns !== undefined, columns, rows: 24 };
  return { printer: new Printer(sink, color), text: () => text };
};
const nasty = fc.string({ unit: "binary" });
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
// The sequences that the printer makes itself.
const OWN = /\x1b\[\d+m/g;

describe("Printer", () => {
  const span = fc.oneof(nasty, fc.record({ text: nasty, style: fc.constantFrom<Style>("red", "bold") }));

  it("lets no control character through, in any span, plain or coloured", () => {
    fc.assert(
      fc.property(fc.array(span), fc.boolean(), (spans: Span[], color) => {
        const { printer, text } = capture(color);
        printer.line(...spans);
        printer.text(plain(spans));
        printer.json({ spans });
        expect(text().replaceAll(OWN, "")).not.toMatch(CONTROL);
        if (!color) expect(text()).not.toContain("\x1b");
      }),
    );
  });

  it("styles only when it may", () => {
    const on = capture(true);
    const off = capture(false);
    for (const { printer } of [on, off]) printer.line("a ", { text: "b", style: "red" });
    expect(on.text()).toBe("a \x1b[31mb\x1b[0m\n");
    expect(off.text()).toBe("a b\n");
  });

  it("shows no more lines than the screen has", () => {
    const { printer, text } = capture(false, 80);
    printer.screen(Array.from({ length: 100 }, (_, index) => [String(index)]));
    expect(text().split("\n")).toHaveLength(24);
    expect(text()).toContain("22");
    expect(text()).not.toContain("\n23\x1b");
  });
});

describe("safeYaml", () => {
  it("means the same and holds nothing a terminal obeys", () => {
    // A key of another prototype is no document of ours.
    const value = fc.dictionary(
      nasty.filter((key) => key !== "__proto__"),
      fc.oneof(nasty, fc.integer(), fc.boolean(), fc.array(nasty)),
      { maxKeys: 6 },
    );
    fc.assert(
      fc.property(value, (document) => {
        const yaml = safeYaml(document);
        expect(yaml).not.toMatch(CONTROL);
        expect(parse(yaml)).toEqual(JSON.parse(JSON.stringify(document)));
      }),
    );
  });

  it("leaves ordinary text readable", () => {
    expect(safeYaml({ apiVersion: "secuxflow/v1", items: [{ comment: "Zürich: no" }], gone: undefined })).toBe(
      'apiVersion: secuxflow/v1\nitems:\n  - comment: "Zürich: no"\n',
    );
  });
});

describe("table", () => {
  interface Row {
    id: number;
    name: string;
    note: string;
  }
  const columns: Column<Row>[] = [
    { title: "ID", value: ({ id }) => String(id), align: "right" },
    { title: "NAME", value: ({ name }) => name, shrinkTo: 6 },
    { title: "NOTE", value: ({ note }) => note, shrinkTo: 4, optional: 1 },
  ];
  const lines = (rows: Row[], width = Number.POSITIVE_INFINITY) => table(columns, rows, width).map(plain);

  it("aligns, and never cuts where there is no terminal", () => {
    const long = "x".repeat(300);
    expect(
      lines([
        { id: 7, name: "a", note: long },
        { id: 120, name: "bcdef", note: "" },
      ]),
    ).toEqual([" ID  NAME   NOTE", `  7  a      ${long}`, "120  bcdef"]);
  });

  it("leaves out what is empty everywhere", () => {
    expect(lines([{ id: 1, name: "a", note: "" }])).toEqual(["ID  NAME", " 1  a"]);
  });

  it("is no wider than the terminal, whatever is in it, as long as its fixed columns are not", () => {
    const row = fc.record({ id: fc.nat(9_999), name: fc.string({ unit: "grapheme" }), note: nasty });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 16, max: 60 }), (rows, width) => {
        for (const line of lines(rows, width)) {
          expect(widthOf(line)).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(CONTROL);
        }
      }),
    );
  });

  it("puts the names of pairs below each other", () => {
    expect(pairs([["a", "1"], undefined, ["long", "2"]]).map(plain)).toEqual(["a     1", "long  2"]);
  });
});

describe("hexdump", () => {
  it("shows offset, hex and text", () => {
    expect(hexdump(Buffer.from("GET /?q=1 HTTP\r\n\x1b["))).toEqual([
      "0000  47 45 54 20 2f 3f 71 3d  31 20 48 54 54 50 0d 0a  GET /?q=1 HTTP..",
      "0010  1b 5b                                             .[",
    ]);
  });
  it("says what it left out", () => {
    expect(hexdump(new Uint8Array(300)).at(-1)).toMatch(/^… 44 more bytes/);
    expect(hexdump(new Uint8Array(0))).toEqual([]);
  });
});
