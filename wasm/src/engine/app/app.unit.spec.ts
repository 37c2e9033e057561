import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { APP_EVENTS } from "./app-events.js";
import { BUF, bytes, Front, PROTO, type Turn } from "./harness.js";
import { clientHello, dnsAnswer, dnsQuestion, record, SESSIONS, sni } from "../../sessions/packets.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/app/test-entry.ts");
});

/** Cuts each turn into pieces of the given lengths, over and over. */
const cut = (turns: readonly Turn[], sizes: readonly number[]): Turn[] => {
  let next = 0;
  return turns.flatMap(([dir, data]) => {
    const pieces: Turn[] = [];
    for (let at = 0; at < data.length; ) {
      const size = sizes[next++ % sizes.length] ?? 1;
      pieces.push([dir, data.subarray(at, at + size)]);
      at += size;
    }
    return pieces;
  });
};

const NAMES = Object.keys(SESSIONS);
const sessionOf = (name: string): readonly Turn[] => SESSIONS[name] ?? [];

describe.each(NAMES)("a session of %s", (name) => {
  it("is recognized by content, on a port that says nothing", () => {
    const front = new Front(fresh()).talk(sessionOf(name));
    expect(front.proto).toBe(PROTO[name as keyof typeof PROTO]);
    expect(front.txs().length).toBeGreaterThan(0);
  });

  it("gives the same transactions in any chunking, and all memory back (property)", () => {
    const wasm = fresh();
    const whole = new Front(wasm).talk(sessionOf(name));
    const expected = whole.summary();
    whole.free();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        const front = new Front(wasm).talk(cut(sessionOf(name), sizes));
        expect(front.summary()).toEqual(expected);
        front.free();
        expect(wasm.call("memoryTaken")).toBe(0);
      }),
      { numRuns: 25, examples: [[[1]], [[2]], [[7, 1]]] },
    );
  });

  it("never traps on damaged bytes, gaps and want of memory, and gives all memory back (property)", () => {
    const wasm = fresh();
    const damage = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
      flips: fc.array(fc.tuple(fc.nat(3000), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
      gapAt: fc.option(fc.nat(40)),
      budget: fc.constantFrom(1 << 26, 1 << 26, 150_000, 140_000),
      proto: fc.constantFrom(0, PROTO[name as keyof typeof PROTO]),
    });
    fc.assert(
      fc.property(damage, ({ sizes, flips, gapAt, budget, proto }) => {
        wasm.call("setMemoryBudget", budget);
        const turns = sessionOf(name).map(([dir, data]): [0 | 1, Uint8Array] => [dir, data.slice()]);
        const total = turns.reduce((sum, [, data]) => sum + data.length, 0);
        for (const [at, value] of flips) {
          let left = at % total;
          for (const [, data] of turns) {
            if (left < data.length) data[left] = value;
            left -= data.length;
            if (left < 0) break;
          }
        }
        const front = new Front(wasm, 6, [40000, 8000], proto);
        if (front.conn !== 0) {
          cut(turns, sizes).forEach(([dir, data], i) => {
            if (i === gapAt) front.gap(dir, 10);
            front.feed(dir, data);
          });
          front.end();
          front.summary();
        }
        front.free();
        expect(wasm.call("memoryTaken")).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

describe("detection by content", () => {
  const detect = (wasm: Compiled, data: Uint8Array, dir: 0 | 1 = 0, ports: [number, number] = [40000, 8000], l4 = 6): number => {
    const at = wasm.call("take", 4096);
    wasm.write(at, data);
    return wasm.call("appDetect", at, data.length, dir, ports[0], ports[1], l4);
  };
  const cases: [string, string, 0 | 1, number, keyof typeof PROTO, number?][] = [
    ["an HTTP request", "GET / HTTP/1.1\r\n", 0, 8000, "http"],
    ["an HTTP response", "HTTP/1.1 200 OK\r\n", 1, 8000, "http"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 8000, "http2"],
    ["an IMAP greeting", "* OK IMAP4rev1\r\n", 1, 8000, "imap"],
    ["an IMAP command", "a001 LOGIN me you\r\n", 0, 8000, "imap"],
    ["a POP3 greeting", "+OK ready\r\n", 1, 8000, "pop3"],
    ["SIP", "INVITE sip:x@y SIP/2.0\r\n", 0, 8000, "sip"],
    ["VNC", "RFB 003.008\n", 1, 8000, "rfb"],
    ["RDP", "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00", 0, 8000, "rdp"],
    ["MQTT", "\x10\x10\x00\x04MQTT\x04\x02", 0, 8000, "mqtt"],
    ["TELNET", "\xff\xfd\x18\xff\xfd\x20", 1, 8000, "telnet"],
    ["an FTP greeting", "220 my FTP server\r\n", 1, 8000, "ftp"],
    ["a mail greeting", "220 mx ESMTP\r\n", 1, 8000, "smtp"],
    ["a greeting that only the port explains", "220 hello\r\n", 1, 21, "ftp"],
    ["a greeting that nothing explains", "220 hello\r\n", 1, 8000, "unknown"],
    ["the start of a method", "GE", 0, 8000, "unknown"],
    ["nothing known", "\xa1\x02\x03\x04\x05\x06", 0, 8000, "failed"],
    ["Modbus", "\x00\x01\x00\x00\x00\x06\x01\x03", 0, 502, "modbus"],
    ["DNP3", "\x05\x64\x05\xc0\x01\x00\x00\x04\xe9\x21", 0, 20000, "dnp3"],
    ["SSLv2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 0, 8000, "tls"],
    ["TFTP", "\x00\x01boot\x00octet\x00", 0, 69, "tftp", 17],
    ["NTP", `\x23${"\x00".repeat(47)}`, 0, 123, "ntp", 17],
    ["SNMP", "\x30\x26\x02\x01\x01\x04\x06public", 0, 161, "snmp", 17],
    ["QUIC", `\xc3\x00\x00\x00\x01\x08${"\x00".repeat(20)}`, 0, 443, "quic", 17],
    ["IKE", `${"\x01".repeat(17)}\x20\x22\x08${"\x00".repeat(4)}\x00\x00\x00\x1c`, 0, 500, "ike", 17],
    ["DHCP", `\x01\x01\x06\x00${"\x00".repeat(232)}\x63\x82\x53\x63\x35`, 0, 67, "dhcp", 17],
    ["Kerberos", "\x6a\x81\x10\x30\x81\x0d\xa1\x03\x02\x01\x05", 0, 88, "krb5", 17],
  ];
  it.each(cases)("knows %s", (_what, text, dir, port, proto, l4) => {
    expect(detect(fresh(), bytes(text), dir, [40000, port], l4 ?? 6)).toBe(PROTO[proto]);
  });

  it("says when the directions differ, when only one is known, and when none is", () => {
    const wasm = fresh();
    const event = (name: string): number => 1 << (APP_EVENTS.applayer ?? []).indexOf(name);
    const differ = new Front(wasm).talk([[0, bytes("GET / HTTP/1.1\r\n\r\n")], [1, bytes("SSH-2.0-x\r\n")]]);
    expect(differ.events).toBe(event("applayer_mismatch_protocol_both_directions"));
    const one = new Front(wasm).talk([[0, bytes("GET / HTTP/1.1\r\n\r\n")], [1, bytes("\xa1\x02\x03\x04\x05")]]);
    expect(one.events).toBe(event("applayer_detect_protocol_only_one_direction"));
    const none = new Front(wasm).talk([[0, bytes("\xa1\x02\x03\x04\x05")], [1, bytes("\xa1\x02\x03\x04\x05")]]);
    expect([none.proto, none.events]).toEqual([PROTO.failed, event("applayer_proto_detection_skipped")]);
    const wrong = new Front(wasm).talk([[1, bytes("HTTP/1.1 200 OK\r\n\r\n")]]);
    expect(wrong.events).toBe(event("applayer_wrong_direction_first_data"));
  });

  it("turns a connection around whose start was not seen", () => {
    const front = new Front(fresh(), 6, [80, 40000]);
    front.wasm.call("connMidstream", front.conn);
    front.feed(0, bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    expect(front.wasm.call("connReversed", front.conn)).toBe(1);
    expect(front.proto).toBe(PROTO.http);
    const answer = new Front(fresh(), 17, [53, 40000]);
    answer.feed(0, dnsAnswer("x.test", []));
    expect(answer.wasm.call("connReversed", answer.conn)).toBe(1);
    expect(answer.progress(answer.txs()[0] ?? 0, 1)).toBe(255);
  });
});

describe("changes of protocol", () => {
  const hello = record(22, clientHello({ version: 0x0303, ciphers: [0xc02b], extensions: [sni("inside.test")] }));

  it("follows STARTTLS of mail and AUTH TLS of FTP", () => {
    const mail = new Front(fresh()).talk([
      [1, bytes("220 mx ESMTP\r\n")], [0, bytes("EHLO a\r\n")], [1, bytes("250 STARTTLS\r\n")], [0, bytes("STARTTLS\r\n")],
      [1, bytes("220 go\r\n")], [0, hello],
    ]);
    expect(mail.proto).toBe(PROTO.tls);
    expect(mail.text(mail.txs().at(-1) ?? 0, BUF.sni)).toBe("inside.test");
    const ftp = new Front(fresh()).talk([
      [1, bytes("220 FTP\r\n")], [0, bytes("AUTH TLS\r\n")], [1, bytes("234 go\r\n")], [0, hello],
    ]);
    expect(ftp.proto).toBe(PROTO.tls);
  });

  it("looks into an HTTP tunnel", () => {
    const front = new Front(fresh()).talk([
      [0, bytes("CONNECT inside.test:443 HTTP/1.1\r\nHost: inside.test\r\n\r\n")], [1, bytes("HTTP/1.1 200 OK\r\n\r\n")], [0, hello],
    ]);
    expect(front.proto).toBe(PROTO.tls);
    expect(front.txs().map((tx) => front.wasm.call("txProto", tx))).toEqual([PROTO.http, PROTO.tls]);
  });

  it("reports plain text where TLS was announced", () => {
    const front = new Front(fresh()).talk([
      [1, bytes("220 mx ESMTP\r\n")], [0, bytes("STARTTLS\r\n")], [1, bytes("220 go\r\n")], [0, bytes("GET / HTTP/1.1\r\n\r\n")],
    ]);
    expect(front.events & (1 << 4)).not.toBe(0);
  });
});

describe("transactions", () => {
  it("can be taken away at any time; the engine hears of each that goes", () => {
    const wasm = fresh();
    for (const name of NAMES) {
      const front = new Front(wasm);
      for (const [dir, data] of cut(sessionOf(name), [37])) {
        front.feed(dir, data);
        for (const tx of front.txs()) if (wasm.call("txDone", tx) !== 0) wasm.call("appTxFree", front.conn, tx);
      }
      for (const tx of front.txs()) wasm.call("appTxFree", front.conn, tx);
      for (const [dir, data] of sessionOf(name)) front.feed(dir, data);
      front.end().free();
      expect(wasm.call("memoryTaken")).toBe(0);
    }
    expect(wasm.call("freedCount")).toBeGreaterThan(NAMES.length);
  });

  it("have a limit in number", () => {
    const front = new Front(fresh(), 17, [40000, 53]);
    for (let i = 0; i < 600; i++) front.feed(0, dnsQuestion("a.test", i));
    expect(front.txs()).toHaveLength(512);
  });
});
