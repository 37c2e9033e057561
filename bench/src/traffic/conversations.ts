// Conversations as they are on the wire of a company's uplink, in their usual shares of the bytes. All content is made up.
import { gzipSync } from "node:zlib";
import type { Turn } from "@secuxflow/testkit";
import type { Random } from "./random.js";
import { host, json, page, prose, target } from "./text.js";

export interface Conversation {
  readonly kind: string;
  readonly proto: "tcp" | "udp";
  readonly port: number;
  readonly turns: readonly Turn[];
}

const AGENTS = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
] as const;

const client = (data: string | Uint8Array): Turn => ({ from: "client", data });
const server = (data: string | Uint8Array): Turn => ({ from: "server", data });

function httpBody(random: Random): { type: string; body: Buffer } {
  const length = random.pick([800, 4_000, 15_000, 60_000, 250_000]);
  switch (random.int(0, 3)) {
    case 0:
      return { type: "text/html; charset=utf-8", body: Buffer.from(page(random, length)) };
    case 1:
      return { type: "application/json", body: Buffer.from(json(random, length)) };
    case 2:
      return { type: "image/jpeg", body: Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), random.bytes(length)]) };
    default:
      return { type: "application/javascript", body: Buffer.from(prose(random, length)) };
  }
}

/** Some requests and answers of one connection; every third text is compressed. */
function http(random: Random): Conversation {
  const name = host(random);
  const turns: Turn[] = [];
  for (let i = random.int(1, 6); i > 0; i--) {
    const { type, body } = httpBody(random);
    const zipped = !type.startsWith("image") && random.int(0, 2) === 0;
    const sent = zipped ? gzipSync(body, { level: 6 }) : body;
    turns.push(
      client(
        `GET ${target(random)} HTTP/1.1\r\nHost: ${name}\r\nUser-Agent: ${random.pick(AGENTS)}\r\nAccept: */*\r\nAccept-Language: en-US,en;q=0.5\r\n` +
          `Accept-Encoding: gzip, deflate\r\nReferer: http://${name}/\r\nCookie: session=${random.u32().toString(16)}; theme=dark\r\nConnection: keep-alive\r\n\r\n`,
      ),
      server(
        Buffer.concat([
          Buffer.from(
            `HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Type: ${type}\r\nContent-Length: ${sent.length}\r\n` +
              `${zipped ? "Content-Encoding: gzip\r\n" : ""}Cache-Control: max-age=600\r\nETag: "${random.u32().toString(16)}"\r\nConnection: keep-alive\r\n\r\n`,
          ),
          sent,
        ]),
      ),
    );
  }
  return { kind: "http", proto: "tcp", port: 80, turns };
}

const record = (type: number, body: Uint8Array): Buffer => {
  const head = Buffer.from([type, 3, 3, 0, 0]);
  head.writeUInt16BE(body.length, 3);
  return Buffer.concat([head, body]);
};

const sized = (bytes: number, body: Uint8Array): Buffer => {
  const head = Buffer.alloc(bytes);
  head.writeUIntBE(body.length, 0, bytes);
  return Buffer.concat([head, body]);
};

/** A client hello with what browsers send: server name, groups, ALPN, versions. */
function clientHello(random: Random): Buffer {
  const name = Buffer.from(host(random));
  const extension = (type: number, body: Uint8Array): Buffer => Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(2, body)]);
  const extensions = Buffer.concat([
    extension(0, sized(2, Buffer.concat([Buffer.from([0]), sized(2, name)]))),
    extension(10, sized(2, Buffer.from([0, 29, 0, 23, 0, 24]))),
    extension(11, sized(1, Buffer.from([0]))),
    extension(16, sized(2, Buffer.concat([sized(1, Buffer.from("h2")), sized(1, Buffer.from("http/1.1"))]))),
    extension(43, sized(1, Buffer.from([3, 4, 3, 3]))),
    extension(51, sized(2, Buffer.concat([Buffer.from([0, 29]), sized(2, random.bytes(32))]))),
  ]);
  const ciphers = Buffer.from("130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035", "hex");
  const body = Buffer.concat([Buffer.from([3, 3]), random.bytes(32), sized(1, random.bytes(32)), sized(2, ciphers), Buffer.from([1, 0]), sized(2, extensions)]);
  return record(22, Buffer.concat([Buffer.from([1]), sized(3, body)]));
}

function tls(random: Random): Conversation {
  const hello = Buffer.concat([Buffer.from([3, 3]), random.bytes(32), sized(1, random.bytes(32)), Buffer.from("130100", "hex"), sized(2, Buffer.from("002b00020304", "hex"))]);
  const data = (length: number): Buffer => {
    const parts: Buffer[] = [];
    for (let left = length; left > 0; left -= 16_000) parts.push(record(23, random.bytes(Math.min(left, 16_000))));
    return Buffer.concat(parts);
  };
  const turns = [client(clientHello(random)), server(Buffer.concat([record(22, Buffer.concat([Buffer.from([2]), sized(3, hello)])), record(20, Buffer.from([1])), data(3_500)]))];
  for (let i = random.int(1, 5); i > 0; i--) turns.push(client(data(random.int(200, 1_500))), server(data(random.pick([1_000, 8_000, 60_000, 300_000]))));
  return { kind: "tls", proto: "tcp", port: 443, turns };
}

function dns(random: Random): Conversation {
  const name = Buffer.concat([...host(random).split(".").map((label) => sized(1, Buffer.from(label))), Buffer.from([0])]);
  const id = random.bytes(2);
  const question = Buffer.concat([name, Buffer.from([0, 1, 0, 1])]);
  const answer = Buffer.concat([Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]), random.bytes(4)]);
  return {
    kind: "dns",
    proto: "udp",
    port: 53,
    turns: [
      client(Buffer.concat([id, Buffer.from("01000001000000000000", "hex"), question])),
      server(Buffer.concat([id, Buffer.from("81800001000100000000", "hex"), question, answer])),
    ],
  };
}

function smtp(random: Random): Conversation {
  const name = host(random);
  const lines = prose(random, random.pick([2_000, 20_000, 80_000])).replace(/(.{60,76}) /g, "$1\r\n");
  return {
    kind: "smtp",
    proto: "tcp",
    port: 25,
    turns: [
      server(`220 ${name} ESMTP ready\r\n`),
      client(`EHLO mail.${name}\r\n`),
      server(`250-${name}\r\n250 SIZE 10485760\r\n`),
      client(`MAIL FROM:<a@${name}>\r\n`),
      server("250 OK\r\n"),
      client(`RCPT TO:<b@${name}>\r\n`),
      server("250 OK\r\n"),
      client("DATA\r\n"),
      server("354 go ahead\r\n"),
      client(`From: a@${name}\r\nTo: b@${name}\r\nSubject: ${prose(random, 30)}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n${lines}\r\n.\r\n`),
      server("250 OK queued\r\n"),
      client("QUIT\r\n"),
      server("221 bye\r\n"),
    ],
  };
}

function ssh(random: Random): Conversation {
  const turns = [server("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), client("SSH-2.0-OpenSSH_9.6\r\n")];
  for (let i = random.int(3, 12); i > 0; i--) turns.push(client(random.bytes(random.int(36, 400))), server(random.bytes(random.int(36, 12_000))));
  return { kind: "ssh", proto: "tcp", port: 22, turns };
}

function quic(random: Random): Conversation {
  const turns: Turn[] = [];
  for (let i = random.int(4, 60); i > 0; i--) turns.push(random.int(0, 4) === 0 ? client(Buffer.concat([Buffer.from([0x41]), random.bytes(80)])) : server(Buffer.concat([Buffer.from([0x42]), random.bytes(1_199)])));
  return { kind: "quic", proto: "udp", port: 443, turns };
}

/** Conversations and how often each comes. */
const KINDS = [
  [http, 30],
  [tls, 30],
  [dns, 120],
  [smtp, 6],
  [ssh, 6],
  [quic, 40],
] as const;
const TOTAL = KINDS.reduce((sum, [, weight]) => sum + weight, 0);

/** The next conversation of mixed traffic. */
export function nextConversation(random: Random): Conversation {
  let at = random.int(0, TOTAL - 1);
  for (const [make, weight] of KINDS) {
    if (at < weight) return make(random);
    at -= weight;
  }
  throw new RangeError("weights do not add up");
}
