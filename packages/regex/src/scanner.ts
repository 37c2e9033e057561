import { RegexSyntaxError } from "./types.js";

/** A position in the pattern's bytes. */
export class Scanner {
  at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The byte `ahead` bytes from here as a character, or "" behind the end. */
  peek(ahead = 0): string {
    const byte = this.bytes[this.at + ahead];
    return byte === undefined ? "" : String.fromCharCode(byte);
  }

  next(): string {
    const char = this.peek();
    if (char === "") throw this.error("the expression ends too early");
    this.at++;
    return char;
  }

  /** Goes over `text` if it is here. */
  take(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.peek(i) !== text[i]) return false;
    this.at += text.length;
    return true;
  }

  /** The text up to `end`, which is gone over too. */
  until(end: string, what: string): string {
    const from = this.at;
    let text = "";
    while (!this.take(end)) {
      if (this.done) throw new RegexSyntaxError(`${what} is not closed by ${end}`, from);
      text += this.next();
    }
    return text;
  }

  /** Digits that `allowed` matches, at most `most`. */
  digits(allowed: RegExp, most: number): string {
    let text = "";
    while (text.length < most && this.peek() !== "" && allowed.test(this.peek())) text += this.next();
    return text;
  }

  error(reason: string, at = this.at): RegexSyntaxError {
    return new RegexSyntaxError(reason, at);
  }
}
