/** An ordinary request: bytes as a client sends them. */
export interface Ordinary {
  /** `searches-17`; unique. */
  readonly id: string;
  readonly request: Buffer;
  /** Made of what attacks are made of (code, SQL, markup, their words): told apart in reports. */
  readonly hard: boolean;
}

export type Headers = Readonly<Record<string, string>>;
export type Body = string | Buffer;

/** How a client presents itself. */
export interface Client {
  readonly agent: string;
  readonly accept: string;
  readonly more: Headers;
}

/** HTTP/1.1 with the header fields that the client always sends. */
export function request(client: Client, method: string, uri: string, headers: Headers = {}, body: Body = ""): Buffer {
  const bytes = Buffer.from(body);
  const all: Record<string, string> = { Host: "www.shop.example", "User-Agent": client.agent, Accept: client.accept, ...client.more, ...headers };
  if (bytes.length > 0 || method === "POST" || method === "PUT" || method === "PATCH") all["Content-Length"] = String(bytes.length);
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${uri} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]);
}

export const e = encodeURIComponent;

/** As browsers write forms. */
export const formOf = (fields: Headers): string => new URLSearchParams(fields).toString();

export const FORM: Headers = { "Content-Type": "application/x-www-form-urlencoded" };
export const JSON_TYPE: Headers = { "Content-Type": "application/json" };

/** One of them, by number, over and over. */
export function pick<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length];
  if (item === undefined) throw new Error("an empty list");
  return item;
}

/** A part of a form with files: a value, or a file. */
export interface Part {
  readonly name: string;
  readonly value: Body;
  readonly filename?: string;
  readonly type?: string;
}

/** A multipart body as browsers write it, and its content type. */
export function multipart(parts: readonly Part[], boundary: string): { readonly headers: Headers; readonly body: Buffer } {
  const pieces = parts.flatMap(({ name, value, filename, type }) => {
    const file = filename === undefined ? "" : `; filename="${filename.replaceAll('"', "%22")}"`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${type === undefined ? "" : `Content-Type: ${type}\r\n`}\r\n`;
    return [Buffer.from(head), Buffer.from(value), Buffer.from("\r\n")];
  });
  return {
    headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** Bytes that look like a compressed file's, the same ones for the same number. */
export function noise(length: number, seed: number): Buffer {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    }),
  );
}

/** Letters and digits as in tokens, the same ones for the same number. */
export const token = (length: number, seed: number): string => noise(length, seed).toString("base64url").slice(0, length);
