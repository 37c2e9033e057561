import { readFileSync } from "node:fs";
import { z } from "zod";

/** Beyond that something is wrong with the folder. */
const MAX_VECTORS = 100_000;

const vector = z.object({
  type: z.string().optional(),
  name: z.string(),
  input: z.string().default(""),
  /** Operators: the argument. */
  param: z.string().default(""),
  /** Operators: whether it matches; transformations: whether it changes anything. */
  ret: z.number().optional(),
  /** Transformations. */
  output: z.string().optional(),
});

export type Vector = z.infer<typeof vector>;

/** @throws ZodError, SyntaxError when the file is no list of vectors */
export const readVectors = (file: string): Vector[] =>
  z.array(vector).max(MAX_VECTORS).parse(JSON.parse(readFileSync(file, "utf8")));

/** Inputs of operators write bytes that JSON cannot as \xHH, \u00HH and \0. Bytes, one a character. */
export const operatorInput = (text: string): string =>
  Buffer.from(text, "utf8").toString("latin1").replace(/\\(?:x|u00)([0-9A-Fa-f]{2})|\\0/g, (_, hex: string | undefined) =>
    String.fromCharCode(Number.parseInt(hex ?? "0", 16)));

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b", f: "\f", v: "\v" };
/** A string literal of Go. */
const LITERAL = /^(?:[^\\"\n]|\\[abfnrtv\\"]|\\x[0-9a-fA-F]{2}|\\[0-7]{3})*$/su;

/** Text of a transformation: \u0000 is a NUL, and what has \x in it is a literal of Go; if it is no valid one, it is plain. */
export function transformationInput(text: string): Buffer {
  const plain = text.replaceAll("\\u0000", "\0");
  return plain.includes("\\x") && LITERAL.test(plain) ? literal(plain) : Buffer.from(plain, "utf8");
}

/** The same for what comes out, in which \xHH always is a byte. */
export function transformationOutput(text: string): Buffer {
  const plain = text.replaceAll("\\u0000", "\0");
  if (!plain.includes("\\x")) return Buffer.from(plain, "utf8");
  if (LITERAL.test(plain)) return literal(plain);
  return joined(plain, /\\x([0-9a-fA-F]{2})|\\x|\\|[^\\]+/gsu, (token) => (token === "\\x" ? "x" : token));
}

const literal = (text: string): Buffer =>
  joined(text, /\\x([0-9a-fA-F]{2})|\\([0-7]{3})|\\.|[^\\]+/gsu, (token) =>
    token.startsWith("\\") ? (ESCAPES[token.slice(1)] ?? token.slice(1)) : token,
  );

/** Tokens as bytes: the first group is a byte in hexadecimal, the second one in octal. */
function joined(text: string, tokens: RegExp, plain: (token: string) => string): Buffer {
  const parts = [...text.matchAll(tokens)].map(([token, hex, octal]) => {
    if (hex !== undefined) return Buffer.from([Number.parseInt(hex, 16)]);
    return octal === undefined ? Buffer.from(plain(token), "utf8") : Buffer.from([Number.parseInt(octal, 8) & 0xff]);
  });
  return Buffer.concat(parts);
}
