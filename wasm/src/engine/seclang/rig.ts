// The engine of the waf without packets: rules and messages in, findings out.
import { compileSecLang, type CompileOptions, type CompiledSecLang } from "@secuxflow/seclang";
import { compileEntry, type Compiled } from "../../testing/compile.js";

export interface Found {
  readonly id: number;
  readonly logged: boolean;
  readonly location: string;
  readonly data: string;
  readonly message: string;
  readonly detail: string;
  readonly transformations: string;
  readonly points: number;
}

export interface Message {
  /** `GET / HTTP/1.1` unless said otherwise; text is bytes, one a character. */
  readonly line?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly response?: { readonly line?: string; readonly headers?: readonly (readonly [string,
    string])[]; readonly body?: string };
  readonly client?: readonly number[];
  readonly now?: number;
}

export interface Outcome {
  readonly found: Found[];
  /** Ids of all rules that matched, in order. */
  readonly ids: number[];
  /** The rule that would have blocked, 0 when none. */
  readonly interrupted: number;
  readonly status: number;
}

const latin = (text: string): Buffer => Buffer.from(text, "latin1");

export class Waf {
  private readonly room: number;
  private image = 0;

  private constructor(private readonly wasm: Compiled) {
    wasm.call("setMemoryBudget", 256 << 20);
    this.room = wasm.call("take", 1 << 20);
  }

  static async create(): Promise<Waf> {
    return new Waf((await compileEntry("engine/seclang/test-entry.ts"))());
  }

  /** Compiles rules (bytes, one a character) and uses them. */
  rules(text: string, options: CompileOptions = {}): CompiledSecLang {
    const compiled = compileSecLang([{ name: "rules.conf", text: latin(text) }], options);
    this.load(compiled.image);
    return compiled;
  }

  /** Uses an image. @throws Error when the engine refuses it */
  load(image: Uint8Array): void {
    if (!this.tryLoad(image)) throw new Error("the engine refuses the image");
  }

  tryLoad(image: Uint8Array): boolean {
    const block = this.wasm.call("take", image.length + 16);
    const at = (block + 15) & ~15;
    this.wasm.write(at, image);
    if (this.wasm.call("programLoad", at, image.length) === 0) {
      this.wasm.call("give", block);
      return false;
    }
    if (this.image !== 0) this.wasm.call("give", this.image);
    this.image = block;
    return true;
  }

  memoryTaken(): number {
    return this.wasm.call("memoryTaken");
  }

  /** A whole transaction. */
  run({ line = "GET / HTTP/1.1", headers = [], body = "", response, client = [10, 0, 0, 1],
    now = 1_767_225_600_000 }: Message): Outcome {
    const { wasm, room } = this;
    const tx = wasm.call("transactionNew", now);
    if (tx === 0) throw new Error("no transaction: no rules, or no memory");
    const ends = Buffer.alloc(32);
    ends.set([0xff, 0xff, ...client], 10);
    ends.set([0xff, 0xff, 10, 0, 0, 2], 26);
    wasm.write(room, ends);
    wasm.call("connection", tx, room, 40_000, room + 16, 80);
    this.feed("requestLine", tx, line);
    for (const [name, value] of headers) this.pair("requestHeader", tx, name, value);
    wasm.call("requestHeadEnd", tx);
    this.feed("requestBody", tx, body);
    wasm.call("requestEnd", tx);
    if (response !== undefined) {
      this.feed("responseLine", tx, response.line ?? "HTTP/1.1 200 OK");
      for (const [name, value] of response.headers ?? []) this.pair("responseHeader", tx, name, value);
      wasm.call("responseHeadEnd", tx);
      this.feed("responseBody", tx, response.body ?? "");
      wasm.call("responseEnd", tx);
    }
    wasm.call("end", tx);
    const found = this.findings(tx);
    const outcome = { found, ids: found.map(({ id }) => id), interrupted: wasm.call("interrupted", tx),
      status: wasm.call("status", tx) };
    wasm.call("transactionFree", tx);
    return outcome;
  }

  private findings(tx: number): Found[] {
    const found: Found[] = [];
    for (let at = this.wasm.call("findingFirst", tx); at !== 0; at = this.wasm.call("findingNext", at)) {
      const text = (which: number): string => {
        const start = this.wasm.call("findingText", at, which);
        return Buffer.from(this.wasm.read(start, this.wasm.call("textLen"))).toString("latin1");
      };
      found.push({
        id: this.wasm.call("findingId", at) >>> 0, logged: this.wasm.call("findingLogged", at) !== 0, location: text(0),
          data: text(1),
        message: text(2), detail: text(3), transformations: text(4), points: this.wasm.call("findingPoints", at),
      });
    }
    return found;
  }

  private feed(name: string, tx: number, text: string): void {
    const bytes = latin(text);
    for (let from = 0; from === 0 || from < bytes.length; from += 1 << 19) {
      const part = bytes.subarray(from, from + (1 << 19));
      if (part.length === 0 && name.endsWith("Body")) return;
      this.wasm.write(this.room, part);
      this.wasm.call(name, tx, this.room, part.length);
    }
  }

  private pair(call: string, tx: number, name: string, value: string): void {
    const key = latin(name);
    const data = latin(value);
    this.wasm.write(this.room, Buffer.concat([key, data]));
    this.wasm.call(call, tx, this.room, key.length, this.room + key.length, data.length);
  }
}
