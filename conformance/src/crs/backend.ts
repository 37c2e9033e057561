// What the backend of CRS's tests (albedo) answers: whatever a request to /reflect asks for, and 200 without a body otherwise.
import { z } from "zod";

const Reflection = z.looseObject({
  status: z.number().int().default(200),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(""),
  encodedBody: z.string().default(""),
});

const statusTexts: Readonly<Record<number, string>> = {
  200: "OK", 201: "Created", 204: "No Content", 301: "Moved Permanently", 302: "Found", 400: "Bad Request", 401: "Unauthorized",
  403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
}; // prettier-ignore

/** The content type that Go's server tells when the handler told none (a subset of WHATWG's MIME sniffing). */
function sniffed(body: Buffer): string {
  const start = body.subarray(0, 512);
  const text = start.toString("latin1").trimStart().toUpperCase();
  const tags = ["<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE", "<A", "<STYLE", "<TITLE", "<B", "<BODY", "<BR", "<P", "<!--"]; // prettier-ignore
  if (tags.some((tag) => text.startsWith(tag) && (tag === "<!--" || / |>/.test(text.charAt(tag.length))))) return "text/html; charset=utf-8";
  if (text.startsWith("<?XML")) return "text/xml; charset=utf-8";
  const binary = start.some((byte) => byte <= 8 || byte === 11 || (byte >= 14 && byte <= 26) || (byte >= 28 && byte <= 31));
  if (start.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))) return "application/x-gzip";
  return binary ? "application/octet-stream" : "text/plain; charset=utf-8";
}

function response(status: number, headers: Readonly<Record<string, string>>, body: Buffer): Buffer {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const all: [string, string][] = [...Object.entries(headers), ["Date", "Thu, 01 Jan 2026 00:00:00 GMT"]];
  if (!names.has("content-length")) all.push(["Content-Length", String(body.length)]);
  if (!names.has("content-type") && body.length > 0) all.push(["Content-Type", sniffed(body)]);
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} ${statusTexts[status] ?? "Status"}\r\n${lines}\r\n`), body]);
}

/** The answer to a request that was sent whole. */
export function answerTo(request: Buffer): Buffer {
  const text = request.toString("latin1");
  const [, method = "", uri = ""] = /^([A-Za-z]+) (\S+)/.exec(text) ?? [];
  const end = text.indexOf("\r\n\r\n");
  const path = uri.replace(/^https?:\/\/[^/]*/i, "").replace(/[?#].*$/s, "");
  if (method !== "POST" || !/^\/reflect(\/|$)/.test(path) || end < 0) return response(200, {}, Buffer.alloc(0));
  let parsed;
  try {
    parsed = Reflection.safeParse(JSON.parse(request.subarray(end + 4).toString("utf8")));
  } catch {
    return response(400, {}, Buffer.from("Invalid JSON in request body"));
  }
  if (!parsed.success) return response(400, {}, Buffer.from("Invalid JSON in request body"));
  const { status, headers, body, encodedBody } = parsed.data;
  if (status < 100 || status >= 600) return response(400, {}, Buffer.from(`Invalid status code: ${status}`));
  return response(status, headers, body === "" ? Buffer.from(encodedBody, "base64") : Buffer.from(body));
}
