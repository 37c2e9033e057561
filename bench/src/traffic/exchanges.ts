import { BatchBuilder, Direction, dissectFrame } from "@secuxflow/inspect-abi";
import { tcpSession } from "@secuxflow/testkit";
import { Random } from "./random.js";
import { host, json, prose, target } from "./text.js";

/** What a request is: without a body, with a form of 1 KB, with 100 KB of JSON. */
export type ExchangeKind = "get" | "form1k" | "json100k";

interface Exchange {
  readonly request: Buffer;
  readonly response: Buffer;
}

/** Requests on one connection; the large ones come alone. */
const ON_ONE_CONNECTION: Readonly<Record<ExchangeKind, number>> = { get: 20, form1k: 20, json100k: 1 };
const START_NS = 1_795_341_600_000_000_000n;
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";

const NAMES = ["Anna", "Jonas", "Maria", "Peter", "Yuki", "Fatima", "Carlos", "Ingrid"] as const;
const STREETS = ["Station Road", "Hauptstrasse", "Rue de la Paix", "Via Roma", "High Street"] as const;

/** What a customer fills in, about 1 KB: an address and a message. */
function form(random: Random): string {
  const name = random.pick(NAMES);
  const fields: readonly (readonly [string, string])[] = [
    ["csrf_token", random.bytes(16).toString("hex")],
    ["first_name", name],
    ["last_name", `${random.pick(NAMES)}son`],
    ["email", `${name.toLowerCase()}.${random.int(1, 999)}@example.org`],
    ["street", `${random.pick(STREETS)} ${random.int(1, 200)}`],
    ["postcode", String(random.int(10_000, 99_999))],
    ["phone", `+49 30 ${random.int(1_000_000, 9_999_999)}`],
    ["message", `Dear team, ${prose(random, random.int(300, 380))}. Many thanks, ${name}`],
    ["delivery_note", `Please ring, ${prose(random, random.int(150, 200))}.`],
  ];
  return fields.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
}

function exchange(kind: ExchangeKind, random: Random): Exchange {
  const head = (method: string, more: string): string =>
    `${method} ${target(random)} HTTP/1.1\r\nHost: ${host(random)}\r\nUser-Agent: ${BROWSER}\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n` +
    `Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nCookie: session=${random.u32().toString(16)}${random.u32().toString(16)}; theme=dark\r\n${more}Connection: keep-alive\r\n\r\n`;
  const body = kind === "get" ? "" : kind === "form1k" ? form(random) : json(random, 100_000);
  const type = kind === "form1k" ? "application/x-www-form-urlencoded" : "application/json";
  const more = kind === "get" ? "" : `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  const answer = '{"ok":true}';
  return {
    request: Buffer.from(head(kind === "get" ? "GET" : "POST", more) + body),
    response: Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`),
  };
}

/** The requests and answers of a connection: made up, the same for the same number. */
export function exchanges(kind: ExchangeKind, connection: number): Exchange[] {
  const random = new Random(connection + 1);
  return Array.from({ length: ON_ONE_CONNECTION[kind] }, () => exchange(kind, random));
}

/** What is sent before an answer must come: less than the window that a server offers at first. */
const IN_FLIGHT = 32_768;

function pieces(data: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(data.length / IN_FLIGHT) }, (_, i) => data.subarray(i * IN_FLIGHT, (i + 1) * IN_FLIGHT));
}

/** The packets of a connection as batches. */
export function* connectionBatches(list: readonly Exchange[], connection: number): Generator<Uint8Array> {
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 512, maxBytes: 512 * 1024 });
  builder.setTimeBase(START_NS + BigInt(connection) * 10_000_000n);
  const frames = tcpSession({
    client: { ip: `10.${1 + ((connection >> 16) & 127)}.${(connection >> 8) & 255}.${connection & 255}`, port: 1_024 + (connection % 60_000) },
    server: { ip: "198.51.100.5", port: 80 },
    turns: list.flatMap(({ request, response }) => [
      ...pieces(request).map((data) => ({ from: "client" as const, data })),
      { from: "server" as const, data: response },
    ]),
  });
  for (const { frame, from } of frames) {
    const fields = dissectFrame(frame);
    fields.modules = 1;
    fields.direction = from === "client" ? Direction.TO_SERVER : Direction.TO_CLIENT;
    if (builder.append(fields, frame)) continue;
    yield builder.finish();
    builder.append(fields, frame);
  }
  if (builder.count > 0) yield builder.finish();
}
