import type { Compiled } from "../../testing/compile.js";
import { HTTP_EVENTS } from "./http-events.js";

/** Numbers of the buffers that `Exchange` is read with (BUF_ constants of the parser). */
export const BUFFER = {
  uri: 0, uriRaw: 1, method: 2, protocol: 3, header: 4, headerRaw: 5, headerNames: 6, cookie: 7, userAgent: 8, host: 9,
  hostRaw: 10,
  contentType: 11, contentLength: 12, referer: 13, connection: 17, start: 18, location: 19, server: 20, statCode: 21, statMsg: 22,
  line: 23, body: 24, trailer: 25, bodyRaw: 26,
} as const;

/** One transaction as the tests look at it. */
export interface Exchange {
  readonly handle: number;
  readonly events: string[];
  readonly flags: number;
  readonly done: boolean;
  readonly progress: readonly [number, number];
  readonly get: (buffer: keyof typeof BUFFER, direction: 0 | 1) => string | undefined;
  readonly headers: (direction: 0 | 1) => [string, string][];
  readonly files: (direction: 0 | 1) => { name: string; data: string; state: number }[];
}

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** A connection of the compiled parser. */
export class HttpConnection {
  readonly #wasm: Compiled;
  readonly #handle: number;
  readonly #offsets: [number, number] = [0, 0];

  constructor(wasm: Compiled, serverPort = 0) {
    this.#wasm = wasm;
    this.#handle = wasm.call("httpNew", serverPort);
  }

  feed(direction: 0 | 1, data: Uint8Array | string): number {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    const at = this.#wasm.call("take", Math.max(bytes.length, 1));
    this.#wasm.write(at, bytes);
    const state = this.#wasm.call("httpFeed", this.#handle, direction, at, bytes.length, BigInt(this.#offsets[direction]), 0);
    this.#offsets[direction] += bytes.length;
    this.#wasm.call("give", at);
    return state;
  }

  gap(direction: 0 | 1, length: number): void {
    this.#wasm.call("httpGap", this.#handle, direction, length);
    this.#offsets[direction] += length;
  }

  end(direction: 0 | 1): void {
    this.#wasm.call("httpEnd", this.#handle, direction);
  }

  state(direction: 0 | 1): number {
    return this.#wasm.call("httpState", this.#handle, direction);
  }

  /** Where another protocol starts in the direction's stream. */
  tunnelOffset(direction: 0 | 1): number {
    return Number(this.#wasm.call64("httpTunnelOffset", this.#handle, direction));
  }

  free(): void {
    this.#wasm.call("httpFree", this.#handle);
  }

  /** Transactions, oldest first. */
  exchanges(): Exchange[] {
    const found: Exchange[] = [];
    for (let tx = this.#wasm.call("httpFirst", this.#handle); tx !== 0; tx = this.#wasm.call("txNext", tx)) {
      found.push(this.#look(tx));
    }
    return found;
  }

  #look(tx: number): Exchange {
    const wasm = this.#wasm;
    const bits = BigInt.asUintN(64, wasm.call64("txEvents", tx));
    const text = (at: number, length: number) => latin(wasm.read(at, length));
    return {
      handle: tx,
      events: HTTP_EVENTS.filter((_name, bit) => ((bits >> BigInt(bit)) & 1n) === 1n),
      flags: wasm.call("txFlags", tx) >>> 0,
      done: wasm.call("txDone", tx) === 1,
      progress: [wasm.call("txProgress", tx, 0), wasm.call("txProgress", tx, 1)],
      get: (buffer, direction) => {
        const at = wasm.call("httpBuffer", tx, BUFFER[buffer], direction);
        return at === 0 ? undefined : text(at, wasm.call("bufferLen"));
      },
      headers: (direction) => {
        const list: [string, string][] = [];
        for (let h = wasm.call("firstHeader", tx, direction); h !== 0; h = wasm.call("headerNext", h)) {
          const name = text(wasm.call("headerName", h), wasm.call("headerNameLen", h));
          list.push([name, text(wasm.call("headerAt", h), wasm.call("headerLen", h))]);
        }
        return list;
      },
      files: (direction) => {
        const list: { name: string; data: string; state: number }[] = [];
        for (let f = wasm.call("firstFile", tx, direction); f !== 0; f = wasm.call("fileNext", f)) {
          const nameAt = wasm.call("httpFileName", tx, f);
          const name = nameAt === 0 ? "" : text(nameAt, wasm.call("bufferLen"));
          const at = wasm.call("httpFileData", tx, direction, f);
          const data = at === 0 ? "" : text(at, wasm.call("bufferLen"));
          list.push({ name, data, state: wasm.call("fileState", f) });
        }
        return list;
      },
    };
  }
}
