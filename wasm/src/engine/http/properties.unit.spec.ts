import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry, type Compiled } from "../../testing/compile.js";
import { BUFFER, HttpConnection } from "./parser.js";

let make: () => Compiled;
beforeAll(async () => {
  make = await compileEntry("engine/http/test-entry.ts");
}, 60_000);

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const FRAMING = /^(content-|transfer-|host$|connection$|upgrade$|expect$|authorization$)/i;
const headers = fc.array(fc.tuple(token.filter((name) => !FRAMING.test(name)), value), { maxLength: 6 });
const body = fc.uint8Array({ maxLength: 60 });

interface Message {
  readonly headers: [string, string][];
  readonly body: Uint8Array;
  readonly chunks: number[];
  readonly chunked: boolean;
  readonly eol: string;
}
const message: fc.Arbitrary<Message> = fc.record({
  headers,
  body,
  chunks: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 5 }),
  chunked: fc.boolean(),
  eol: fc.constantFrom("\r\n", "\n"),
});

/** The message as sent, behind its first line. */
function sent(m: Message): Buffer {
  const lines = m.headers.map(([name, text]) => `${name}: ${text}${m.eol}`).join("");
  const latin = (text: string) => Buffer.from(text, "latin1");
  if (!m.chunked) return Buffer.concat([latin(`${lines}Content-Length: ${m.body.length}${m.eol}${m.eol}`), m.body]);
  const parts = [latin(`${lines}Transfer-Encoding: chunked${m.eol}${m.eol}`)];
  for (let at = 0, i = 0; at < m.body.length; i++) {
    const n = Math.min(m.chunks[i] ?? 1000, m.body.length - at);
    parts.push(latin(`${n.toString(16)}\r\n`), Buffer.from(m.body.subarray(at, at + n)), latin("\r\n"));
    at += n;
  }
  parts.push(latin(`0\r\n\r\n`));
  return Buffer.concat(parts);
}

/** Model of http.header: each name once, values joined. */
function joined(m: Message): string {
  const names = new Map<string, [string, string]>();
  const framing: [string, string] = m.chunked ? ["Transfer-Encoding", "chunked"] : ["Content-Length", String(m.body.length)];
  const all = [...m.headers, framing];
  for (const [name, text] of all) {
    const key = name.toLowerCase();
    const before = names.get(key);
    names.set(key, before === undefined ? [name, text] : [before[0], `${before[1]}, ${text}`]);
  }
  names.delete("cookie");
  return [...names.values()].map(([name, text]) => `${name}: ${text}\r\n`).join("");
}

function pieces(all: Buffer, cuts: readonly number[]): Buffer[] {
  const list: Buffer[] = [];
  for (let at = 0, i = 0; at < all.length; i++) {
    const n = cuts.length === 0 ? all.length : (cuts[i % cuts.length] ?? 1);
    list.push(all.subarray(at, at + n));
    at += n;
  }
  return list;
}

describe("well-formed conversations", () => {
  it("come out as the model says, however the stream is cut", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 });
    fc.assert(fc.property(fc.array(fc.tuple(message, message), { minLength: 1, maxLength: 4 }), cuts, cuts, (exchanges, a, b) => {
      const wasm = make();
      const connection = new HttpConnection(wasm);
      const requests = Buffer.concat(exchanges.flatMap(([m], i) => [
        Buffer.from(`POST /${i} HTTP/1.1${m.eol}Host: h${m.eol}`), sent(m),
      ]));
      const responses = Buffer.concat(exchanges.flatMap(([, m]) => [Buffer.from(`HTTP/1.1 200 OK${m.eol}`), sent(m)]));
      for (const piece of pieces(requests, a)) connection.feed(0, piece);
      for (const piece of pieces(responses, b)) connection.feed(1, piece);
      const list = connection.exchanges();
      expect(list.length).toBe(exchanges.length);
      exchanges.forEach(([request, response], i) => {
        const tx = list[i];
        expect(tx?.done).toBe(true);
        expect(tx?.get("uri", 0)).toBe(`/${i}`);
        expect(tx?.get("header", 0)).toBe(`Host: h\r\n${joined(request)}`);
        expect(tx?.get("header", 1)).toBe(joined({ ...response, headers: response.headers }));
        expect(tx?.get("body", 0) ?? "").toBe(Buffer.from(request.body).toString("latin1"));
        expect(tx?.get("body", 1) ?? "").toBe(Buffer.from(response.body).toString("latin1"));
      });
      connection.free();
      expect(wasm.call("memoryTaken")).toBe(0);
    }), { numRuns: 400 });
  }, 60_000);
});

describe("anything", () => {
  const word = fc.constantFrom(
    "GET ", "POST /x ", "HTTP/1.1", " 200 OK", "\r\n", "\n", "\r", "\r\n\r\n", ":", " ", "\t", "\0", "Content-Length: 5",
    "Host: a", "Transfer-Encoding: chunked", "Content-Encoding: gzip", "Content-Encoding: deflate, lzma", "0", "5;a", "ff",
    "CONNECT a:1 ", "100 ", "Content-Type: multipart/form-data; boundary=a", "--a", "\x1f\x8b\x08\0\0\0\0\0\0\0",
    "HTTP/1.1 101 x", "HTTP/1.1 206 p", "%2f..%00", "HEAD / ", "Content-Range: bytes 1-2/*", "]", "@", "Host: [",
    "Content-Disposition: form-data; filename=\"x", "[::1.2.3.4]", "http://", "GET / HTTP/1.1\r\nHost: a\r\n",
  );
  const piece = fc.oneof({ weight: 4, arbitrary: word }, fc.string({ maxLength: 8 }));
  const noise = fc.array(piece, { maxLength: 40 }).map((words) => words.join(""));
  const step = fc.tuple(fc.constantFrom<0 | 1>(0, 1), noise, fc.integer({ min: 0, max: 12 }));

  it("neither traps nor keeps memory", () => {
    const wasm = make();
    wasm.call("setDecodeOptions", 1, 1);
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), fc.boolean(), (steps, tight) => {
      wasm.call("setMemoryBudget", tight ? 12_000 : 64 << 20);
      const connection = new HttpConnection(wasm);
      for (const [direction, text, kind] of steps) {
        if (kind === 0) connection.gap(direction, 7);
        else if (kind === 1) connection.end(direction);
        else connection.feed(direction, Buffer.from(text, "latin1"));
      }
      for (const tx of connection.exchanges()) {
        for (const buffer of Object.keys(BUFFER) as (keyof typeof BUFFER)[]) {
          tx.get(buffer, 0);
          tx.get(buffer, 1);
        }
        tx.headers(0);
        tx.files(1);
        if (tx.done) wasm.call("httpTxFree", tx.handle);
      }
      connection.free();
      expect(wasm.call("memoryTaken")).toBe(0);
    }), { numRuns: 1500 });
  }, 60_000);

  it("gives the same headers in any chunking, odd line endings included", () => {
    const wasm = make();
    const part = fc.constantFrom("A: b", "C:d", " e", "\tf", "\r\n", "\n", "\r", "\r\n ", "x", ":", "\n\r", "Host: h", "\0", " ");
    const parts = fc.array(part, { maxLength: 14 });
    const cutting = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 });
    fc.assert(fc.property(parts, cutting, fc.constantFrom<0 | 1>(0, 1), (words, cuts, direction) => {
      const text = `${direction === 0 ? "GET / HTTP/1.1" : "HTTP/1.1 204 OK"}\r\nZ: 1\r\n${words.join("")}\r\n\r\n`;
      const look = (cut: readonly number[]) => {
        const connection = new HttpConnection(wasm);
        for (const piece of pieces(Buffer.from(text, "latin1"), cut)) connection.feed(direction, piece);
        const seen = connection.exchanges()[0]?.headers(direction);
        connection.free();
        return seen;
      };
      expect(look(cuts)).toEqual(look([]));
    }), { numRuns: 1500 });
  }, 60_000);
});
