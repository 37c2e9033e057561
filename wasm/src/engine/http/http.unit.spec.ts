import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compileEntry, type Compiled } from "../../testing/compile.js";
import { HttpConnection, type Exchange } from "./parser.js";

let make: () => Compiled;
let wasm: Compiled;
beforeAll(async () => {
  make = await compileEntry("engine/http/test-entry.ts");
}, 60_000);
beforeEach(() => {
  wasm = make();
});

/** What a conversation came to: alternating request and response bytes. */
function talk(...parts: (string | Uint8Array)[]): Exchange[] {
  const connection = new HttpConnection(wasm, 80);
  parts.forEach((part, i) => connection.feed((i % 2) as 0 | 1, part));
  return connection.exchanges();
}

function one(...parts: (string | Uint8Array)[]): Exchange {
  const [exchange] = talk(...parts);
  if (exchange === undefined) throw new Error("no transaction");
  return exchange;
}

const bytes = (head: string, body: Uint8Array) => Buffer.concat([Buffer.from(head, "latin1"), body]);
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

describe("requests", () => {
  it("gives the buffers that rules look at", () => {
    const request =
      "GET /a/./b/../c%2fd?x=%41+b HTTP/1.1\r\nHost: WWW.Example.com:8080\r\nUser-Agent: x  \r\nCookie: a=1\r\nAccept:  */*\r\n" +
      "X: 1\r\nx: 2\r\n\r\n";
    const tx = one(request, OK);
    expect(tx.get("uri", 0)).toBe("/a/c/d?x=A+b");
    expect(tx.get("uriRaw", 0)).toBe("/a/./b/../c%2fd?x=%41+b");
    expect(tx.get("method", 0)).toBe("GET");
    expect(tx.get("protocol", 0)).toBe("HTTP/1.1");
    expect(tx.get("host", 0)).toBe("www.example.com");
    expect(tx.get("hostRaw", 0)).toBe("WWW.Example.com:8080");
    expect(tx.get("cookie", 0)).toBe("a=1");
    expect(tx.get("userAgent", 0)).toBe("x");
    expect(tx.get("line", 0)).toBe("GET /a/./b/../c%2fd?x=%41+b HTTP/1.1");
    expect(tx.get("header", 0)).toBe("Host: WWW.Example.com:8080\r\nUser-Agent: x\r\nAccept: */*\r\nX: 1, 2\r\n");
    expect(tx.get("headerNames", 0)).toBe("\r\nHost\r\nUser-Agent\r\nCookie\r\nAccept\r\nX\r\n\r\n");
    expect(tx.get("headerRaw", 0)).toBe(request.slice(request.indexOf("\r\n") + 2));
    const line = "GET /a/./b/../c%2fd?x=%41+b HTTP/1.1\r\nHost: WWW.Example.com:8080\r\nUser-Agent: x\r\nCookie: a=1";
    expect(tx.get("start", 0)).toBe(`${line}\r\nAccept: */*\r\nX: 1, 2\r\n\r\n`);
    expect(tx.get("referer", 0)).toBeUndefined();
    expect(tx.headers(0).at(-1)).toEqual(["x", "2"]);
    expect(tx.events).toEqual(["request_server_port_tcp_port_mismatch", "request_header_repetition"]);
    expect(tx.done).toBe(true);
  });

  it.each([
    ["/a//b\\c", "/a/b/c"],
    ["/a/b/c/./../../g", "/a/g"],
    ["/../../../images.gif", "/images.gif"],
    ["/one/.", "/one"],
    ["/%2e%2e/%zz%4", "/%zz%4"],
    ["/a%u0041", "/a%u0041"],
    ["/%2541", "/%41"],
    ["http://user@Host.com:80/p?q#f", "/p?q#f"],
    ["/p?%2e%2e/%2f/x%00y#%41", "/p?..///x\0y#%41"],
    ["*", "*"],
  ])("normalizes %s", (raw, normal) => {
    expect(one(`GET ${raw} HTTP/1.1\r\nHost: h\r\n\r\n`).get("uri", 0)).toBe(normal);
  });

  it.each([
    ["GET / HTTP/1.1\r\n\r\n", ["missing_host_header"]],
    ["GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", ["host_header_ambiguous"]],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", ["request_header_host_invalid"]],
    ["GET / HTTP/1.1\r\nHost: a\r\nBad line\r\n\r\n", ["request_field_missing_colon"]],
    ["GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", ["method_delim_non_compliant"]],
    ["GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", ["uri_delim_non_compliant"]],
    [" GET / HTTP/1.1\r\nHost: a\r\n\r\n", ["request_line_leading_whitespace"]],
    ["GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", ["request_header_invalid"]],
    ["GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Foo x\r\n\r\n", ["request_auth_unrecognized"]],
    ["GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", ["invalid_transfer_encoding_value_in_request"]],
    ["GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", ["invalid_content_length_field_in_request"]],
    ["GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
      ["duplicate_content_length_field_in_request", "request_header_repetition"]],
    ["FOO /\r\nHost: a\r\n\r\n", ["request_line_invalid", "request_line_missing_protocol"]],
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\nwhat is this\r\n", ["request_body_unexpected"]],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nabcde\r\n0\r\n\r\n", ["request_chunk_extension"]],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ["invalid_request_chunk_len"]],
    [`GET /${"a".repeat(20_000)} HTTP/1.1\r\n`, ["request_field_too_long"]],
  ])("raises the events of request %#", (request, events) => {
    expect(one(request).events.sort()).toEqual([...events].sort());
  });

  it("follows pipelines, bodies and trailers", () => {
    const list = talk(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
      `${OK}HTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\nContent-Type: x\r\n\r\n`,
    );
    expect(list.map((tx) => [tx.get("uri", 0), tx.get("body", 0), tx.get("statCode", 1), tx.done])).toEqual([
      ["/1", "hello", "200", true], ["/2", "abcde", "204", true], ["/3", undefined, "304", true],
    ]);
    expect(list[1]?.get("trailer", 0)).toBe("T: 1\r\n\r\n");
    expect(list.every((tx) => tx.events.length === 0)).toBe(true);
  });

  it("takes the files of an upload apart", () => {
    const body =
      "--XX\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nvalue\r\n--XX\r\n" +
      "Content-Disposition: form-data; name=\"f\"; filename=\"a;\\\"b.txt\"\r\nContent-Type: text/plain\r\n\r\n" +
      "line\r\n--XY\r\nend\r\n--XX--\r\n";
    const form = "Content-Type: multipart/form-data; boundary=XX";
    const head = `POST /up HTTP/1.1\r\nHost: a\r\n${form}\r\nContent-Length: ${body.length}\r\n\r\n`;
    for (const cut of [1, 7, 10_000]) {
      const connection = new HttpConnection(wasm);
      const all = head + body;
      for (let i = 0; i < all.length; i += cut) connection.feed(0, all.slice(i, i + cut));
      const [tx] = connection.exchanges();
      expect(tx?.files(0)).toEqual([{ name: "a;\\\"b.txt", data: "line\r\n--XY\r\nend", state: 1 }]);
      expect(tx?.get("body", 0)).toBe(body);
    }
    const put = one("PUT /dir/../x.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    expect(put.files(0)).toEqual([{ name: "/x.bin", data: "abc", state: 1 }]);
  });

  it("flags what makes a message ambiguous", () => {
    const flags = (head: string) => one(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`).flags;
    expect(flags("Content-Length: 3\r\nTransfer-Encoding: chunked") & 1).toBe(1);
    expect(flags("Content-Length: 3\r\nContent-Length: 4") & 2).toBe(2);
    expect(flags("Content-Length: +3") & 4).toBe(4);
    expect(flags("Transfer-Encoding: xchunked") & 8).toBe(8);
    expect(flags("A: b\r\n c") & 16).toBe(16);
    expect(flags("A: b\nC: d") & 32).toBe(32);
    expect(flags("A : b") & 64).toBe(64);
    expect(flags("A: b\rc") & 128).toBe(128);
    expect(flags("A: b\0c") & 256).toBe(256);
    expect(flags("A: b")).toBe(0);
  });
});

describe("responses", () => {
  const GET = "GET /f HTTP/1.1\r\nHost: a\r\n\r\n";

  it("gives their buffers", () => {
    const head = "HTTP/1.1 302 Found it\r\nServer: s\r\nLocation: /x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2";
    const tx = one(GET, `${head}\r\nContent-Length: 2\r\n\r\nhi`);
    const got = [tx.get("statCode", 1), tx.get("statMsg", 1), tx.get("server", 1), tx.get("location", 1)];
    expect(got).toEqual(["302", "Found it", "s", "/x"]);
    expect(tx.get("cookie", 1)).toBe("a=1, b=2");
    expect(tx.get("header", 1)).toBe("Server: s\r\nLocation: /x\r\nContent-Length: 2\r\n");
    expect(tx.get("line", 1)).toBe("HTTP/1.1 302 Found it");
    expect(tx.get("body", 1)).toBe("hi");
    expect(tx.files(1)).toEqual([{ name: "/f", data: "hi", state: 1 }]);
  });

  it("reads until the end when nothing says where the body ends", () => {
    const connection = new HttpConnection(wasm);
    connection.feed(0, GET);
    connection.feed(1, "HTTP/1.0 200 OK\r\nContent-Disposition: attachment; filename=x.exe\r\n\r\nab");
    connection.feed(1, "cd");
    connection.end(1);
    const [tx] = connection.exchanges();
    expect(tx?.get("body", 1)).toBe("abcd");
    expect(tx?.files(1)).toEqual([{ name: "x.exe", data: "abcd", state: 1 }]);
    expect(tx?.done).toBe(true);
  });

  it("treats HEAD, 100, CONNECT and upgrades as what they are", () => {
    expect(one("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").done).toBe(true);
    const early = one(GET, `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${OK}`);
    expect([early.get("statCode", 1), early.events]).toEqual(["200", ["100_continue_already_seen"]]);
    const tunnel = new HttpConnection(wasm);
    tunnel.feed(0, "CONNECT a.b:443 HTTP/1.1\r\nHost: a.b\r\n\r\n");
    tunnel.feed(0, "\x16\x03\x01\0x");
    tunnel.feed(1, "HTTP/1.1 200 Established\r\n\r\n");
    expect([tunnel.state(0), tunnel.state(1)]).toEqual([2, 2]);
    expect([tunnel.tunnelOffset(0), tunnel.tunnelOffset(1)]).toEqual([39, 28]);
    const socket = new HttpConnection(wasm);
    socket.feed(0, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n");
    expect(socket.feed(1, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x05")).toBe(2);
    expect((socket.exchanges()[0]?.flags ?? 0) & (1 << 17)).not.toBe(0);
    const refused = talk(
      "CONNECT a.b:443 HTTP/1.1\r\nHost: a.b\r\n\r\nGET / HTTP/1.1\r\nHost: c\r\n\r\n",
      "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
    );
    expect(refused.map((tx) => tx.get("method", 0))).toEqual(["CONNECT", "GET"]);
  });

  it("keeps responses without a request", () => {
    const connection = new HttpConnection(wasm);
    connection.feed(1, OK);
    const [tx] = connection.exchanges();
    expect(tx?.events).toEqual(["unable_to_match_response_to_request"]);
    expect(tx?.get("uri", 0)).toBe("/libhtp::request_uri_not_seen");
    expect(tx?.done).toBe(true);
  });

  it.each([
    ["HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "invalid_content_length_field_in_response"],
    ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "response_chunked_old_proto"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "response_abnormal_transfer_encoding"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n", "invalid_response_chunk_len"],
    ["HTTP/1.1 2x0 OK\r\n\r\n", "response_invalid_status"],
    ["HTTP/4.1 200 OK\r\n\r\n", "response_invalid_protocol"],
    ["HTTP/1.1 200 OK\r\nX\r\n\r\n", "response_field_missing_colon"],
    ["HTTP/1.1 101 S\r\nContent-Length: 3\r\n\r\nabc", "unknown_error"],
    ["HTTP/1.1 206 P\r\nContent-Range: bytes 5-2/9\r\nContent-Length: 1\r\n\r\na", "range_invalid"],
    ["HTTP/1.1 200 OK\r\nContent-Type: multipart/byteranges; x\r\n\r\nabc", "response_multipart_byteranges"],
    ["HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\n\r\nabc", "too_many_encoding_layers"],
    ["HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!", "gzip_decompression_failed"],
    ["HTTP/1.1 200 OK\r\nContent-Encoding: foo\r\n\r\nabc", "abnormal_ce_header"],
  ])("raises the event of %j", (response, event) => {
    expect(one(GET, response).events).toContain(event);
  });

  it("decodes bodies, whatever their encoding is called", () => {
    const text = Buffer.from("The quick brown fox. ".repeat(200));
    const cases: [string, Uint8Array][] = [
      ["gzip", gzipSync(text)], ["X-GZip", gzipSync(text)], ["deflate", deflateRawSync(text)], ["deflate", deflateSync(text)],
      ["gzip", deflateRawSync(text)], ["deflate", gzipSync(text)], ["gzip", text], ["deflate, gzip", gzipSync(deflateSync(text))],
      ["identity", text],
    ];
    for (const [encoding, body] of cases) {
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n`;
      for (const cut of [1, 100, 100_000]) {
        const connection = new HttpConnection(wasm);
        connection.feed(0, GET);
        const all = bytes(head, body);
        for (let i = 0; i < all.length; i += cut) connection.feed(1, all.subarray(i, i + cut));
        expect(connection.exchanges()[0]?.get("body", 1), `${encoding} by ${cut}`).toBe(text.toString());
        connection.free();
      }
    }
  });

  it("stops at bombs and keeps no more than the limit", () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(64 << 20)));
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
    const connection = new HttpConnection(wasm);
    connection.feed(0, GET);
    connection.feed(1, bytes(head, bomb));
    const [tx] = connection.exchanges();
    expect(tx?.events).toContain("compression_bomb");
    expect(tx?.get("body", 1)?.length).toBe(102_400);
    expect(wasm.call("memoryTaken")).toBeLessThan(16 << 20);
    connection.free();
    expect(wasm.call("memoryTaken")).toBe(0);
  });

  it("goes on behind a gap in a body of known length", () => {
    const connection = new HttpConnection(wasm);
    connection.feed(0, `${GET}${GET}`);
    connection.feed(1, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    connection.gap(1, 7);
    connection.feed(1, OK);
    expect(connection.exchanges().map((tx) => tx.done)).toEqual([true, true]);
    connection.gap(0, 5);
    expect(connection.state(0)).toBe(1);
  });
});
