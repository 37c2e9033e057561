import { compileEntry } from "@secuxflow/wasm";
import type { Compiled } from "@secuxflow/wasm";
import type { Kind } from "./test-file.js";

const ROOM = 1 << 16;
const HTML_TYPES = [
  "DATA_TEXT", "TAG_NAME_OPEN", "TAG_NAME_CLOSE", "TAG_NAME_SELFCLOSE", "TAG_CLOSE", "ATTR_NAME", "ATTR_VALUE", "TAG_COMMENT",
  "DOCTYPE",
];

/** The engine's detectors, printing what they see as libinjection's test driver does. */
export class Detectors {
  private readonly sqlText: number;
  private readonly htmlText: number;

  private constructor(private readonly sql: Compiled, private readonly html: Compiled) {
    this.sqlText = sql.call("room", ROOM);
    this.htmlText = html.call("room", ROOM);
  }

  static async create(): Promise<Detectors> {
    const [sql, html] = await Promise.all([compileEntry("engine/sqli/test-entry.ts"), compileEntry("engine/xss/test-entry.ts")]);
    return new Detectors(sql(), html());
  }

  /** @param input bytes, one a character */
  print(kind: Kind, input: string): string {
    const bytes = Buffer.from(input, "latin1");
    if (bytes.length > ROOM) throw new Error(`an input of ${bytes.length} bytes: tests have at most ${ROOM}`);
    this.sql.write(this.sqlText, bytes);
    this.html.write(this.htmlText, bytes);
    const { length } = bytes;
    if (kind === "tokens") return this.tokens(length);
    if (kind === "folding") return this.folded(length);
    if (kind === "sqli") return this.fingerprint(length);
    return kind === "html5" ? this.htmlTokens(length) : String(this.html.call("detectXss", this.htmlText, length));
  }

  private tokens(length: number): string {
    this.sql.call("beginText", this.sqlText, length, 0, 0);
    const token = this.sql.call("tokenAt", 0);
    let text = "";
    while (this.sql.call("nextToken", token) !== 0) text += this.token(token);
    return text;
  }

  private folded(length: number): string {
    this.sql.call("beginText", this.sqlText, length, 0, 0);
    return Array.from({ length: this.sql.call("fold") }, (_, n) => this.token(this.sql.call("tokenAt", n))).join("");
  }

  private fingerprint(length: number): string {
    if (this.sql.call("detectSqli", this.sqlText, length) === 0) return "";
    return textOf(this.sql.read(this.sql.call("sqliFingerprint"), this.sql.call("sqliFingerprintLen")));
  }

  private token(token: number): string {
    const char = (name: string): string => String.fromCharCode(this.sql.call(name, token)).replace("\0", "");
    const type = char("tokenType");
    const value = textOf(this.sql.read(token, this.sql.call("tokenLength", token)));
    const ats = type === "v" ? "@".repeat(this.sql.call("tokenAts", token)) : "";
    const quoted = type === "v" || type === "s" ? `${ats}${char("tokenOpen")}${value}${char("tokenClose")}` : value;
    return `${type} ${quoted}\n`;
  }

  private htmlTokens(length: number): string {
    this.html.call("beginHtml", this.htmlText, length, 0);
    let text = "";
    while (this.html.call("nextHtml") !== 0) {
      const size = this.html.call("htmlLen");
      const type = HTML_TYPES[this.html.call("htmlType")] ?? "?";
      text += `${type},${size},${textOf(this.html.read(this.html.call("htmlPtr"), size))}\n`;
    }
    return text;
  }
}

/** A C string: up to the first NUL. */
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1").split("\0", 1)[0] ?? "";
