import type { Input } from "./test-file.js";

const FORM = "application/x-www-form-urlencoded";

/** A form's value as Go's url.QueryEscape writes it. Bytes in, ASCII out. */
function escape(bytes: Buffer): string {
  let out = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9\-_.~]/.test(char)) out += char;
    else if (char === " ") out += "+";
    else out += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** Whether taking percent escapes and plus signs for what they stand for would leave the text as it is. */
const isPlain = (text: string): boolean => !text.includes("+") && !/%[0-9A-Fa-f]{2}/.test(text);

/** The test tool writes forms as they are meant; what is not escaped yet gets escaped, name by name and value by value. */
function encodeForm(data: string): string {
  // A percent sign that starts no escape is an error to the tool, and the data stay.
  if (!isPlain(data) || data.includes("%")) return data;
  return data
    .split("&")
    .filter((pair, i, all) => pair !== "" || i < all.length - 1)
    .map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? escape(Buffer.from(pair)) : `${escape(Buffer.from(pair.slice(0, at)))}=${escape(Buffer.from(pair.slice(at + 1)))}`;
    })
    .join("&");
}

/** The bytes that CRS's test tool (go-ftw) sends for a stage's input. */
export function requestOf(input: Input): Buffer {
  if ((input.encoded_request ?? "") !== "") return Buffer.from(input.encoded_request ?? "", "base64");
  const headers = new Map<string, [name: string, value: string]>();
  for (const [name, value] of Object.entries(input.headers ?? {})) headers.set(name, [name, value ?? ""]);
  const has = (wanted: string): string | undefined =>
    [...headers.values()].find(([name]) => name.toLowerCase() === wanted.toLowerCase())?.[1];
  const complete = input.autocomplete_headers ?? !(input.stop_magic ?? false);
  let data = Array.isArray(input.data) ? input.data.join("\r\n") : (input.data ?? "");
  if (data !== "" && complete) {
    if (has("Content-Type") === undefined) headers.set("Content-Type", ["Content-Type", FORM]);
    if (has("Content-Type") === FORM) data = encodeForm(data);
  }
  if (has("Content-Type")?.startsWith("multipart/form-data;") === true) data = data.replaceAll("\n", "\r\n");
  const body = Buffer.from(data);
  if (complete) {
    if ((has("Connection") ?? "") === "") headers.set("Connection", ["Connection", "close"]);
    const mayHaveBody = /^POST|PUT|PATCH|DELETE$/.test(input.method);
    if ((body.length > 0 || mayHaveBody) && has("Content-Length") === undefined)
      headers.set("Content-Length", ["Content-Length", String(body.length)]);
  }
  const lines = [...headers.values()].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`${input.method} ${input.uri} ${input.version}\r\n${lines}\r\n`), body]);
}
