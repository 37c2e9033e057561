// Random expressions, written in PCRE syntax and in JavaScript's, with the same meaning on strings of bytes.
import fc from "fast-check";

/** One expression in both notations. */
export interface Twin {
  readonly pcre: string;
  readonly js: string;
  /** Capturing groups within repeats: JavaScript forgets what they held before, PCRE does not. */
  readonly forgets: boolean;
  /** A repeat of something that can be empty: JavaScript refuses an empty round, PCRE takes it and goes on. */
  readonly hollow: boolean;
  readonly nullable: boolean;
  readonly captures: number;
  /** Grows with repeats and choices, more so with nested ones: what JavaScript's time is exponential in. */
  readonly weight: number;
}

/** Length of subjects on which JavaScript is done soon. */
export function affordable({ weight }: Twin): number {
  if (weight <= 2) return 150;
  if (weight <= 8) return weight <= 4 ? 20 : 12;
  return weight <= 30 ? 8 : 6;
}

const plain = (pcre: string, js = pcre, nullable = false): Twin => ({
  pcre,
  js,
  forgets: false,
  hollow: false,
  nullable,
  captures: 0,
  weight: 0,
});

const START = String.raw`(?<![^])`;
const END = String.raw`(?![^])`;

const atoms: readonly Twin[] = [
  plain("a"),
  plain("b"),
  plain("c"),
  plain("A"),
  plain("0"),
  plain(String.raw`\n`),
  plain(" "),
  plain(".", String.raw`[^\n]`),
  plain("[ab]"),
  plain("[^a]"),
  plain("[a-c0]"),
  plain(String.raw`\w`),
  plain(String.raw`\W`),
  plain(String.raw`\d`),
  plain(String.raw`\s`, String.raw`[\t-\r ]`),
  plain(String.raw`\xff`),
  plain("[^]a]", String.raw`[^\]a]`),
  plain("[[:alpha:]_]", "[a-zA-Z_]"),
];

const places: readonly Twin[] = [
  plain(String.raw`\b`, undefined, true),
  plain(String.raw`\B`, undefined, true),
  plain(String.raw`\A`, START, true),
  plain(String.raw`\z`, END, true),
  plain(String.raw`$`, String.raw`(?=\n?(?![^]))`, true),
  plain("(?m:^)", String.raw`(?:(?<![^])|(?<=\n)(?=[^]))`, true),
  plain("(?m:$)", String.raw`(?=\n|(?![^]))`, true),
  plain("(?=[ab])", undefined, true),
  plain("(?![b ])", undefined, true),
  plain(String.raw`(?<=[a\n])`, undefined, true),
  plain("(?<!b)", undefined, true),
];

const repeats = [
  ["*", 0],
  ["+", 1],
  ["?", 0],
  ["{2}", 2],
  ["{0,2}", 0],
  ["{1,3}", 1],
  ["{2,}", 2],
  ["{3,7}", 3],
] as const;

function sequence(parts: readonly Twin[]): Twin {
  return {
    pcre: parts.map(({ pcre }) => pcre).join(""),
    js: parts.map(({ js }) => js).join(""),
    forgets: parts.some(({ forgets }) => forgets),
    hollow: parts.some(({ hollow }) => hollow),
    nullable: parts.every(({ nullable }) => nullable),
    captures: parts.reduce((sum, { captures }) => sum + captures, 0),
    weight: parts.reduce((sum, { weight }) => sum + weight, 0),
  };
}

function choice(parts: readonly Twin[]): Twin {
  return {
    ...sequence(parts),
    pcre: `(?:${parts.map(({ pcre }) => pcre).join("|")})`,
    js: `(?:${parts.map(({ js }) => js).join("|")})`,
    nullable: parts.some(({ nullable }) => nullable),
    weight: parts.reduce((sum, { weight }) => sum + weight, 1),
  };
}

function wrap(inner: Twin, before: string, behind: string, more: Partial<Twin> = {}): Twin {
  return { ...inner, pcre: `${before}${inner.pcre}${behind}`, js: `${before}${inner.js}${behind}`, ...more };
}

let names = 0;

/** An atomic group; JavaScript writes it as a look-ahead and a reference. */
function atomic(inner: Twin): Twin {
  const name = `atomic${names++}`;
  return { ...inner, pcre: `(?>${inner.pcre})`, js: `(?:(?=(?<${name}>${inner.js}))\\k<${name}>)`, forgets: true };
}

/** Expressions of up to `depth` levels; `rich` ones need the backtracking matcher. */
export function twins(rich: boolean, depth = 3): fc.Arbitrary<Twin> {
  const leaf = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...atoms) },
    { weight: 1, arbitrary: fc.constantFrom(...places) },
  );
  if (depth === 0) return leaf;
  const inner = twins(rich, depth - 1);
  const repeated = fc.tuple(inner, fc.constantFrom(...repeats), fc.boolean()).map(([part, [sign, min], lazy]) => {
    const repeatedTwin = wrap(part, "(?:", `)${sign}${lazy ? "?" : ""}`);
    const hollow = part.hollow || part.nullable;
    const nullable = part.nullable || min === 0;
    return { ...repeatedTwin, hollow, forgets: part.forgets || part.captures > 0, nullable, weight: part.weight * 4 + 1 };
  });
  const simple = fc.oneof(
    { weight: 4, arbitrary: fc.array(inner, { minLength: 1, maxLength: 4 }).map(sequence) },
    { weight: 2, arbitrary: fc.array(inner, { minLength: 2, maxLength: 3 }).map(choice) },
    { weight: 3, arbitrary: repeated },
    { weight: 1, arbitrary: inner.map((part) => wrap(part, "(", ")", { captures: part.captures + 1 })) },
    { weight: 1, arbitrary: leaf },
  );
  if (!rich) return simple;
  return fc.oneof(
    { weight: 6, arbitrary: simple },
    { weight: 1, arbitrary: inner.map((part) => wrap(part, "(?=", ")", { nullable: true, forgets: true })) },
    { weight: 1, arbitrary: inner.map((part) => wrap(part, "(?!", ")", { nullable: true, forgets: true })) },
    { weight: 1, arbitrary: inner.map(atomic) },
    { weight: 1, arbitrary: fc.constantFrom(plain("(?<=ab|c)", undefined, true), plain("(?<!a[bc])", undefined, true)) },
  );
}

/** Subjects that such expressions often match, one character per byte. */
export const subjects: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: fc.constantFrom(..."abcA0\n \xff]_"), maxLength: 24 }) },
  { weight: 2, arbitrary: fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom("a", "b", "\n"), minLength: 60, maxLength: 150 }) },
);
