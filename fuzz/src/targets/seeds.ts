/** Conversations beside those that the specs of the engine use. */
import { gzipSync, deflateSync } from "node:zlib";
import { SESSIONS } from "@secuxflow/wasm";
import type { Input, Step } from "../engine/input.js";
import { SAY } from "./conversation.js";

const text = (kind: number, data: string | Uint8Array): Step => ({ kind, bytes: typeof data === "string" ? Uint8Array.from(Buffer.from(data, "latin1")) : data });
const c = (data: string | Uint8Array): Step => text(SAY.toServer, data);
const s = (data: string | Uint8Array): Step => text(SAY.toClient, data);
const withHead = (head: string, body: Uint8Array): Uint8Array => Uint8Array.from(Buffer.concat([Buffer.from(head, "latin1"), body]));
const page = Buffer.from("<html><body>hello hello hello</body></html>");
const zipped = gzipSync(page);
const form = "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"e.txt\"\r\n" +
  "Content-Type: text/plain\r\n\r\nfile\r\n--b--\r\n";

export const HTTP_SEEDS: readonly Input[] = [
  [c("GET /a/../b?x=%41&y HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: x\r\nCookie: a=b\r\n\r\n"), s("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")],
  [c("POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=b&c=d"), s("HTTP/1.1 204 No\r\n\r\n"),
    c("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), s("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")],
  [c("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), s(withHead(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n\r\n`, zipped))],
  [c("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), s(withHead("HTTP/1.0 200 OK\r\nContent-Encoding: deflate\r\n\r\n", deflateSync(page)))],
  [c("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n"),
    s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n")],
  [c(`POST /u HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${form.length}\r\n\r\n${form}`), s("HTTP/1.1 201 x\r\nContent-Length: 0\r\n\r\n")],
  [c("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"), s("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n")],
  [c("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), s("HTTP/1.1 200 OK\r\n\r\n"), c("anything"), s("else")],
  [c("GET /?q=%3Cscript%3Ealert(1)%3C/script%3E&id=1'%20or%20'1'='1 HTTP/1.1\r\nHost: a\r\nUser-Agent: sqlmap/1.7\r\nCookie: a=/etc/passwd\r\n\r\n"),
    s("HTTP/1.1 500 x\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\nstack trace")],
  [c("GET /old\r\n"), s("no header at all")],
  [c("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"), s("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"), c("\x81\x05hello")],
];

export const MORE_SEEDS: Readonly<Record<string, readonly Input[]>> = {
  smtp: [[s("220 a\r\n"), c("HELO b\r\n"), s("250 ok\r\n"), c("STARTTLS\r\n"), s("220 go\r\n"), c("\x16\x03\x01\0\x05\x01\0\0\x01\0")],
    [s("220 a\r\n"), c("EHLO b\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 5\r\nhelloBDAT 3 LAST\r\nabc"), s("250 a\r\n250 b\r\n250 c\r\n250 d\r\n250 e\r\n")]],
  ftp: [[s("220 x\r\n"), c("USER a\r\n"), s("331 b\r\n"), c("PASS c\r\n"), s("230-a\r\n b\r\n230 c\r\n"), c("EPSV\r\n"), s("229 Entering Extended Passive Mode (|||2121|)\r\n"), c("STOR f\r\n")]],
  ssh: [[c("SSH-2.0-Go\r\n"), s("SSH-1.99-OpenSSH_3\n")]],
  tls: [[c("\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10\x01\0\x80\x02\0\x80\x03\0\x80\0\0\x04\0\0\x05\0\0\x0aabcdefghijklmnop")], [c("\x15\x03\x01\0\x02\x02\x28")]],
};

/** DNS as datagrams: kinds 6 and 7. The messages of the session over TCP, without their lengths. */
export function dnsDatagrams(): Input[] {
  const session = SESSIONS.dns ?? [];
  return [session.slice(0, 2).map(([dir, bytes]) => ({ kind: 6 + dir, bytes: bytes.slice(2) }))];
}
