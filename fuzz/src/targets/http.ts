/** HTTP/1: both directions of a connection. */
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import type { Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { firstDifference, joined, rechunked, SAY } from "./conversation.js";
import { HTTP_SEEDS } from "./seeds.js";
import { WORDS } from "./words.js";

/** Numbers of http/buffers.ts lie below. */
const BUFFERS = 40;
const ROOM = 1 << 17;
const LOOKED_AT = 60;
/** Transactions stay until the connection ends: the more of them, the slower the look at them. */
const MOST = 16_384;

/** Whether a transaction raised an anomaly. */
const hasEvents = (summary: unknown): boolean => (summary as { readonly txs: readonly { readonly events: string }[] }).txs.some(({ events }) => events !== "0");

/** Whether a request line names no protocol, or a response has a body and no status line (buffers: 2 method, 3 protocol, 21 status, 24 body). */
function isOld(summary: unknown): boolean {
  const { txs } = summary as { readonly txs: readonly { readonly buffers: Readonly<Record<string, string>> }[] };
  return txs.some(({ buffers }) => buffers["2.0"] !== undefined && !(buffers["3.0"] ?? "").startsWith("HTTP/1"));
}

class HttpSubject implements Subject {
  readonly #room: number;

  constructor(private readonly wasm: Compiled) {
    wasm.call("setMemoryBudget", 64 << 20);
    wasm.call("setDecodeOptions", 1, 1);
    this.#room = wasm.call("take", ROOM);
  }

  check(input: Input, reached: Reached): string | undefined {
    const whole = this.#talk(joined(input), reached);
    if (whole.wrong !== undefined) return whole.wrong;
    const pieces = this.#talk(rechunked(input), () => undefined);
    // After a gap the parser looks for a message's start at the start of a piece: there pieces do matter.
    if (pieces.wrong !== undefined || input.some(({ kind }) => kind === SAY.gapToServer || kind === SAY.gapToClient)) return pieces.wrong;
    const difference = firstDifference(whole.summary, pieces.summary);
    // What looks like HTTP/0.9 (and a response without status line) is told by what follows the line in the same piece, as libhtp does.
    if (isOld(whole.summary) || isOld(pieces.summary)) return undefined;
    // Two readings of what is malformed are no silent evasion when an event tells of both.
    return difference === undefined || (hasEvents(whole.summary) && hasEvents(pieces.summary)) ? undefined : `chunking changes ${difference}`;
  }

  #talk(steps: Input, reached: Reached): { readonly summary: unknown; readonly wrong: string | undefined } {
    const { wasm } = this;
    const before = wasm.call("memoryTaken");
    const conn = wasm.call("httpNew", 80);
    const offsets: [bigint, bigint] = [0n, 0n];
    for (const { kind, bytes } of steps) {
      const dir = (kind & 1) as 0 | 1;
      if (kind <= SAY.toClient) {
        wasm.write(this.#room, bytes);
        wasm.call("httpFeed", conn, dir, this.#room, bytes.length, offsets[dir], 0);
        offsets[dir] += BigInt(bytes.length);
      } else if (kind <= SAY.gapToClient) {
        const length = (bytes[0] ?? 0) + (bytes[1] ?? 0) * 256 + 1;
        wasm.call("httpGap", conn, dir, length);
        offsets[dir] += BigInt(length);
      } else {
        wasm.call("httpEnd", conn, dir);
      }
    }
    wasm.call("httpEnd", conn, 0);
    wasm.call("httpEnd", conn, 1);
    const summary = this.#summary(conn, reached);
    wasm.call("httpFree", conn);
    const after = wasm.call("memoryTaken");
    return { summary, wrong: after === before ? undefined : `${after - before} bytes are not given back` };
  }

  #summary(conn: number, reached: Reached): unknown {
    const { wasm } = this;
    const states = [0, 1].map((dir) => `${wasm.call("httpState", conn, dir)} ${wasm.call64("httpTunnelOffset", conn, dir)}`);
    const txs: unknown[] = [];
    for (let tx = wasm.call("httpFirst", conn); tx !== 0 && txs.length < LOOKED_AT; tx = wasm.call("txNext", tx)) {
      const events = BigInt.asUintN(64, wasm.call64("txEvents", tx)).toString(16);
      const flags = wasm.call("txFlags", tx);
      const progress = [wasm.call("txProgress", tx, 0), wasm.call("txProgress", tx, 1), wasm.call("txDone", tx)];
      const buffers: Record<string, string> = {};
      const lists: Record<string, string[]> = {};
      for (const dir of [0, 1]) {
        for (let buffer = 0; buffer < BUFFERS; buffer++) {
          const at = wasm.call("httpBuffer", tx, buffer, dir);
          if (at !== 0) buffers[`${buffer}.${dir}`] = this.#text(at, wasm.call("bufferLen"));
        }
        lists[`headers.${dir}`] = this.#list("firstHeader", "headerNext", tx, dir, (h) =>
          `${this.#text(wasm.call("headerName", h), wasm.call("headerNameLen", h))}: ${this.#text(wasm.call("headerAt", h), wasm.call("headerLen", h))}`);
        lists[`files.${dir}`] = this.#list("firstFile", "fileNext", tx, dir, (f) => {
          const name = wasm.call("httpFileName", tx, f);
          const nameText = name === 0 ? "" : this.#text(name, wasm.call("bufferLen"));
          const data = wasm.call("httpFileData", tx, dir, f);
          return `${nameText} ${wasm.call("fileState", f)} ${data === 0 ? "" : this.#text(data, wasm.call("bufferLen"))}`;
        });
      }
      reached(`${events} ${flags} ${progress.join()} ${Object.keys(buffers).join()} ${Math.min(txs.length, 3)}`);
      txs.push({ events, flags, progress, buffers, lists });
    }
    reached(states.map((state) => state.slice(0, 2)).join());
    return { states, txs };
  }

  #text(at: number, length: number): string {
    return Buffer.from(this.wasm.read(at, length)).toString("latin1");
  }

  #list(first: string, next: string, tx: number, dir: number, look: (at: number) => string): string[] {
    const found: string[] = [];
    for (let at = this.wasm.call(first, tx, dir); at !== 0 && found.length < LOOKED_AT; at = this.wasm.call(next, at)) found.push(look(at));
    return found;
  }
}

export const httpTarget: TargetMaker = async () => {
  const make = await compileEntry("engine/http/test-entry.ts");
  return { name: "http", seeds: HTTP_SEEDS, words: WORDS.http ?? [], kinds: [0, 0, 0, 1, 1, 1, 2, 3, 4, 5], most: MOST, steps: 40, fresh: () => new HttpSubject(make()) };
};
