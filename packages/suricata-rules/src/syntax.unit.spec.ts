import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RuleError } from "./errors.js";
import { parseRaw } from "./raw.js";
import { placeOf, sourceLines } from "./source.js";
import { parseBytes, parseRange } from "./values.js";

/** Bytes as a content, some of them in hexadecimal. */
function printBytes(bytes: Uint8Array, hex: (index: number) => boolean): string {
  let out = "";
  let open = false;
  for (const [index, byte] of bytes.entries()) {
    const asHex = byte < 0x20 || byte > 0x7e || byte === 0x7c || hex(index);
    if (asHex !== open) out += "|";
    open = asHex;
    if (asHex) out += `${byte.toString(16).padStart(2, "0")} `;
    else out += '";:\\'.includes(String.fromCharCode(byte)) ? `\\${String.fromCharCode(byte)}` : String.fromCharCode(byte);
  }
  return open ? `${out}|` : out;
}

describe("contents", () => {
  it("come back from text as they were", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.infiniteStream(fc.boolean()), (bytes, choices) => {
        const flips = [...choices.take(bytes.length)];
        const text = printBytes(bytes, (index) => flips[index]!);
        expect(parseBytes({ text, at: 0 })).toEqual(bytes);
      }),
    );
  });

  it("stand for UTF-8 above ASCII", () => {
    expect([...parseBytes({ text: "é€😀", at: 0 })]).toEqual([...new TextEncoder().encode("é€😀")]);
  });

  it("say where they are wrong", () => {
    const place = (text: string): number => {
      try {
        parseBytes({ text, at: 100 });
      } catch (error) {
        if (error instanceof RuleError) return error.at;
      }
      return -1;
    };
    expect(place("ab|41")).toBe(102);
    expect(place("|4 1|")).toBe(-1);
    expect(place("|4|")).toBe(100);
    expect(place("|zz|")).toBe(100);
    expect(place("a\\n")).toBe(101);
    expect(place('a"b')).toBe(101);
    expect(place("a\\")).toBe(101);
  });
});

describe("the outer form of a rule", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,12}$/);
  const value = fc.option(fc.stringMatching(/^[!-:<-[\]-~]{1,20}$/), { nil: undefined });

  it("gives options back in order, with places that point at them", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (options) => {
        const body = options.map(([key, text]) => (text === undefined ? `${key};` : `${key}: ${text};`)).join(" ");
        const text = `alert tcp [1.1.1.1, 2.2.2.2] any -> $HOME_NET [80, 81] (${body})`;
        const raw = parseRaw(text);
        expect(raw.options.map((option) => [option.name, option.value])).toEqual(options);
        for (const option of raw.options) {
          expect(text.startsWith(option.name, option.at)).toBe(true);
          if (option.value !== undefined) expect(text.startsWith(option.value, option.valueAt)).toBe(true);
        }
        expect(raw.src.text).toBe("[1.1.1.1, 2.2.2.2]");
        expect(raw.dstPorts.text).toBe("[80, 81]");
      }),
    );
  });

  it("never fails with anything but a RuleError", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'alert tcp any[]()!$;:,\\"|-><sid1 \t'), maxLength: 120 }), (text) => {
        try {
          parseRaw(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RuleError);
        }
      }),
    );
  });
});

describe("rule files", () => {
  it("join continued lines and keep places", () => {
    const { lines, disabled } = sourceLines(
      "# a comment\n#alert ip any any -> any any (sid:1;)\n\nalert tcp any any \\\r\n -> any any (\\\nsid:2;)\nlast",
    );
    expect(disabled).toBe(1);
    expect(lines.map(({ text, line }) => [text, line])).toEqual([
      ["alert tcp any any  -> any any (sid:2;)", 4],
      ["last", 7],
    ]);
    const first = lines[0]!;
    expect(placeOf(first, 0)).toEqual({ line: 4, column: 1 });
    expect(placeOf(first, first.text.indexOf("->"))).toEqual({ line: 5, column: 2 });
    expect(placeOf(first, first.text.indexOf("sid"))).toEqual({ line: 6, column: 1 });
    expect(placeOf(first, -1)).toEqual({ line: 4, column: 1 });
  });
});

describe("ranges", () => {
  it("hold the numbers that the operator says", () => {
    const operators: [string, (value: number, a: number, b: number) => boolean][] = [
      ["A", (v, a) => v === a],
      ["=A", (v, a) => v === a],
      ["!A", (v, a) => v !== a],
      ["!=A", (v, a) => v !== a],
      ["<A", (v, a) => v < a],
      ["<=A", (v, a) => v <= a],
      [">A", (v, a) => v > a],
      [">=A", (v, a) => v >= a],
      ["A<>B", (v, a, b) => v > a && v < b],
      ["A-B", (v, a, b) => v > a && v < b],
      ["!A-B", (v, a, b) => !(v > a && v < b)],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...operators),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 2, max: 20 }),
        ([form, model], a, gap) => {
          const b = a + gap;
          const range = parseRange(
            { text: form.replace("A", String(a)).replace("B", String(b)), at: 0 },
            { what: "x", max: 100 },
          );
          for (let value = 0; value <= 50; value++) {
            const inside = value >= range.min && value <= range.max;
            expect(inside !== range.negated, `${form} ${a} ${b} ${value}`).toBe(model(value, a, b));
          }
        },
      ),
    );
  });

  it("know units and refuse the rest", () => {
    expect(parseRange({ text: ">2KB", at: 0 }, { what: "x", max: 1 << 20 })).toEqual({ min: 2049, max: 1 << 20, negated: false });
    for (const text of ["", "x", "5<>5", "5<>6", "9-3", "<0", "101", "1.5", ">100"]) {
      expect(() => parseRange({ text, at: 0 }, { what: "x", max: 100 }), text).toThrow(RuleError);
    }
  });
});
