import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { APP_EVENTS } from "./app-events.js";
import { BUF, bytes, Front, PROTO } from "./harness.js";
import {
  alpn, certificate, certificates, clientHello, dnsAnswer, dnsMessage, dnsName, dnsQuestion, dnsRecord, list16, record, serverHello,
  SESSIONS, sni,
} from "../../sessions/packets.js";

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/app/test-entry.ts");
});

const session = (name: string): Front => new Front(fresh()).talk(SESSIONS[name] ?? []);
const events = (front: Front, proto: string, tx: number): string[] =>
  front.txEvents(tx).map((bit) => APP_EVENTS[proto]?.[bit] ?? `bit ${bit}`);
const datagrams = (dir: 0 | 1, ...messages: Uint8Array[]): Front => {
  const front = new Front(fresh(), 17, [40000, 53]);
  for (const message of messages) front.feed(dir, message);
  return front;
};

describe("DNS", () => {
  it("shows questions and answers as transactions of their own, with names and data", () => {
    const front = datagrams(0, dnsQuestion("www.Example.com"));
    front.feed(1, dnsAnswer("www.example.com", [
      dnsRecord(1, 60, [192, 0, 2, 1]), dnsRecord(5, 61, dnsName("alias.test")), dnsRecord(16, 5, [2, 104, 105, 1, 33]),
      dnsRecord(28, 1, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), dnsRecord(15, 9, [0, 10, ...dnsName("mx.test")]),
    ]));
    const [query = 0, answer = 0] = front.txs();
    expect(front.texts(query, BUF.dnsQuery)).toEqual(["www.Example.com"]);
    expect([front.progress(query, 0), front.progress(query, 1)]).toEqual([255, 0]);
    expect(front.texts(answer, BUF.dnsQuery)).toEqual([]);
    expect(front.texts(answer, BUF.dnsRrname, 1)).toContain("alias.test");
    expect(front.eve(answer).dns).toMatchObject({
      type: "response", rcode: "NOERROR", flags: "8180", ra: true, queries: [{ rrname: "www.example.com", rrtype: "A" }],
      answers: [
        { rrtype: "A", ttl: 60, rdata: "192.0.2.1" }, { rrtype: "CNAME", rdata: "alias.test" }, { rrtype: "TXT", rdata: "hi!" },
        { rrtype: "AAAA", rdata: "2001:0db8:0000:0000:0000:0000:0000:0001" }, { rrtype: "MX", rdata: "mx.test" },
      ],
    });
    expect(front.wasm.call("dnsRcode", answer)).toBe(0);
    expect(front.wasm.call("dnsRrtype", answer, 2)).toBe(5);
  });

  it("raises its events", () => {
    const check = (message: Uint8Array, dir: 0 | 1 = 0): string[] => {
      const front = datagrams(0, dnsQuestion("first.test"));
      front.feed(dir, message);
      return events(front, "dns", front.txs().at(-1) ?? 0);
    };
    const name = dnsName("a.test");
    const question = [...name, 0, 1, 0, 1];
    expect(check(dnsMessage(1, 0x0140, [1, 0, 0, 0], Uint8Array.from(question)))).toEqual(["z_flag_set"]);
    expect(check(dnsMessage(1, 0x3800, [1, 0, 0, 0], Uint8Array.from(question)))).toEqual(["invalid_opcode"]);
    expect(check(dnsMessage(1, 0x8180, [1, 0, 0, 0], Uint8Array.from(question)))).toEqual(["not_a_request"]);
    expect(check(dnsMessage(1, 0x0100, [1, 0, 0, 0], Uint8Array.from(question)), 1)).toEqual(["not_a_response"]);
    expect(check(dnsMessage(1, 0x8180, [1, 0, 0, 1], Uint8Array.from([...question, 1, 2, 3])), 1)).toEqual(["invalid_additionals"]);
    expect(check(dnsMessage(1, 0x8180, [1, 0, 1, 0], Uint8Array.from([...question, 1, 2, 3])), 1)).toEqual(["invalid_authorities"]);
    expect(check(dnsMessage(1, 0x8180, [1, 1, 0, 0], Uint8Array.from([...question, 1, 2, 3])), 1)).toEqual(["malformed_data"]);
    expect(check(dnsMessage(1, 0x0100, [1, 0, 0, 0], Uint8Array.from([0xc0, 12, 0, 1, 0, 1])))).toEqual(["infinite_loop"]);
  });
});

describe("TLS", () => {
  it("reads hellos and the certificate", () => {
    const front = session("tls");
    const [tx = 0] = front.txs();
    const der = certificate({ country: "DE", common: "example.org", dns: "www.example.org" });
    expect(front.text(tx, BUF.sni)).toBe("example.org");
    expect(front.texts(tx, BUF.alpn)).toEqual(["h2"]);
    expect(front.text(tx, BUF.tlsVersion)).toBe("1.2");
    expect(front.text(tx, BUF.subject, 1)).toBe("C=DE, CN=example.org");
    expect(front.text(tx, BUF.issuer, 1)).toBe("O=Acme, Email=a@b.c");
    expect(front.text(tx, BUF.serial, 1)).toBe("00:97:E6:47");
    const sha1 = createHash("sha1").update(der).digest("hex").match(/../g)?.join(":");
    expect(front.text(tx, BUF.fingerprint, 1)).toBe(sha1);
    expect(front.texts(tx, BUF.san, 1)).toEqual(["www.example.org", "10.0.0.1"]);
    expect(front.texts(tx, BUF.certs, 1)).toEqual([Buffer.from(der).toString("latin1")]);
    expect(front.wasm.call("tlsChainLen", tx, 1)).toBe(1);
    expect(front.wasm.call64("tlsNotBefore", tx, 1)).toBe(BigInt(Date.UTC(2015, 1, 12, 18, 7, 27) / 1000));
    expect(front.eve(tx).tls).toMatchObject({ notbefore: "2015-02-12T18:07:27", notafter: "2025-02-09T18:07:27", version: "TLS 1.2" });
    expect([front.progress(tx, 0), front.progress(tx, 1)]).toEqual([255, 255]);
  });

  const hello = (client: Parameters<typeof clientHello>[0]): Front => {
    const front = new Front(fresh());
    front.feed(0, record(22, clientHello(client), 0x0301));
    return front;
  };

  // Both examples are in the description of JA3 (salesforce/ja3).
  it("gives the published JA3 values", () => {
    const full = hello({
      version: 769,
      ciphers: [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
      extensions: [sni("x.test"), list16(10, [23, 24, 25]), [11, [1, 0]]],
    });
    expect(full.text(full.txs()[0] ?? 0, BUF.ja3)).toBe("769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
    expect(full.text(full.txs()[0] ?? 0, BUF.ja3Hash)).toBe("ada70206e40642a3e4461f35503241d5");
    const bare = hello({ version: 769, ciphers: [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99] });
    expect(bare.text(bare.txs()[0] ?? 0, BUF.ja3Hash)).toBe("de350869b8c85de67a350c8d186f11e6");
  });

  // The example of JA4's technical details (FoxIO-LLC/ja4).
  it("gives the published JA4 value", () => {
    const empty = (type: number): [number, number[]] => [type, []];
    const front = hello({
      version: 0x0303,
      ciphers: [0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35],
      extensions: [
        empty(0x3a3a), empty(0x1b), sni("x.test"), empty(0x33), alpn("h2", "http/1.1"), empty(0x4469), empty(0x17), empty(0x2d),
        list16(0x0d, [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]), empty(5), empty(0x23), empty(0x12),
        [0x2b, [6, 0x3a, 0x3a, 3, 4, 3, 3]], empty(0xff01), empty(0x0b), empty(0x0a), empty(0x15), empty(0x4a4a),
      ],
    });
    expect(front.text(front.txs()[0] ?? 0, BUF.ja4)).toBe("t13d1516h2_8daaf6152771_e5627efa2ab1");
    expect(front.text(front.txs()[0] ?? 0, BUF.tlsVersion)).toBe("1.3");
  });

  it("gives JA3S of a server", () => {
    const front = hello({ version: 0x0303, ciphers: [1] });
    front.feed(1, record(22, serverHello({ version: 0x0303, ciphers: [0xc02f], extensions: [[0xff01, [0]], [11, [1, 0]]] })));
    const text = "771,49199,65281-11";
    expect(front.text(front.txs()[0] ?? 0, BUF.ja3s, 1)).toBe(text);
    expect(front.text(front.txs()[0] ?? 0, BUF.ja3sHash, 1)).toBe(createHash("md5").update(text).digest("hex"));
  });

  it("raises its events", () => {
    const after = (dir: 0 | 1, ...records: Uint8Array[]): string[] => {
      const front = hello({ version: 0x0302, ciphers: [1], extensions: [sni("x.test")] });
      for (const data of records) front.feed(dir, data);
      return events(front, "tls", front.txs()[0] ?? 0);
    };
    expect(after(1, record(24, [1, 0x40, 0, 1, 2, 3]))).toEqual(["heartbeat_message", "overflow_heartbeat_message"]);
    expect(after(1, record(22, [], 0x0302))).toEqual(["invalid_record_length"]);
    expect(after(1, record(22, [2, 0, 0, 0], 0x0909))).toEqual(["invalid_record_version"]);
    expect(after(1, record(30, [2, 0, 0, 0]))).toEqual(["invalid_record_type"]);
    expect(after(1, record(22, [99, 0, 0, 0]))).toEqual(["invalid_handshake_message"]);
    expect(after(1, record(21, [1]))).toEqual(["invalid_alert_message"]);
    const der = certificate({ country: "DE", common: "c", dns: "d" });
    expect(after(1, record(22, certificates(der.subarray(0, 60))))).toEqual(["invalid_handshake_message", "certificate_invalid_length"]);
    const twice = hello({ version: 0x0303, ciphers: [1], extensions: [sni("a.test"), sni("b.test")] });
    expect(events(twice, "tls", twice.txs()[0] ?? 0)).toEqual(["multiple_sni_extensions"]);
    const odd = hello({ version: 0x0303, ciphers: [1], extensions: [[0, [0, 5, 1, 0, 2, 97, 98]]] });
    expect(events(odd, "tls", odd.txs()[0] ?? 0)).toContain("invalid_sni_type");
  });

  it("reads a hello that is spread over records of a byte each", () => {
    const front = new Front(fresh());
    for (const byte of clientHello({ version: 0x0303, ciphers: [1], extensions: [sni("tiny.test")] })) {
      front.feed(0, record(22, [byte]));
    }
    expect(front.text(front.txs()[0] ?? 0, BUF.sni)).toBe("tiny.test");
  });
});

describe("SMTP", () => {
  it("reads envelope, headers, attachments and addresses", () => {
    const front = session("smtp");
    const [mail = 0] = front.txs();
    expect(front.text(mail, BUF.helo)).toBe("client.test");
    expect(front.text(mail, BUF.mailFrom)).toBe("<a@test>");
    expect(front.texts(mail, BUF.rcptTo)).toEqual(["<b@test>"]);
    expect(front.text(mail, BUF.subjectLine)).toBe("hello");
    expect(front.texts(mail, BUF.url)).toEqual(["evil.test/path"]);
    expect(front.texts(mail, BUF.fileName)).toEqual(["e.zip", "q.txt"]);
    expect(front.texts(mail, BUF.fileData)).toEqual(["hello world", "a=bc\r\n.d"]);
    expect(front.eve(mail)).toMatchObject({
      smtp: { helo: "client.test", mail_from: "<a@test>", rcpt_to: ["<b@test>"] },
      email: { status: "PARSE_DONE", from: "A <a@test>", to: ["b@test", "c@test"], attachment: ["e.zip", "q.txt"] },
    });
    expect(front.txEvents(mail)).toEqual([]);
  });

  it("raises its events", () => {
    const after = (...turns: [0 | 1, string][]): string[] => {
      const front = new Front(fresh(), 6, [40000, 25], PROTO.smtp);
      front.feed(1, bytes("220 hi\r\n"));
      for (const [dir, text] of turns) front.feed(dir, bytes(text));
      return events(front, "smtp", front.txs()[0] ?? 0);
    };
    expect(after([1, "nonsense\r\n"])).toEqual(["invalid_reply"]);
    expect(after([1, "250 ok\r\n"])).toEqual(["unable_to_match_reply_with_request"]);
    expect(after([0, "STARTTLS\r\n"], [1, "454 no\r\n"])).toEqual(["tls_rejected"]);
    expect(after([0, "DATA\r\n"], [1, "554 no\r\n"])).toEqual(["data_command_rejected"]);
    expect(after([0, "EHLO a\r\nEHLO b\r\n"])).toEqual(["duplicate_fields"]);
    expect(after([0, `NOOP ${"x".repeat(600)}\r\n`])).toEqual(["max_command_line_len_exceeded"]);
    expect(after([0, "BDAT 5\r\nSubject: too long\r\n"])).toContain("bdat_chunk_len_exceeded");
    const front = new Front(fresh(), 6, [40000, 25], PROTO.smtp);
    front.feed(0, bytes("EHLO a\r\n"));
    expect(events(front, "smtp", front.txs()[0] ?? 0)).toEqual(["no_server_welcome_message"]);
  });
});

describe("HTTP", () => {
  it("has an EVE object", () => {
    const front = new Front(fresh()).talk([
      [0, bytes("GET /a?b HTTP/1.1\r\nHost: h.test\r\nUser-Agent: me\r\nReferer: x\r\n\r\n")],
      [1, bytes("HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Type: text/html; charset=x\r\nContent-Length: 3\r\n\r\nabc")],
    ]);
    expect(front.eve(front.txs()[0] ?? 0)).toEqual({
      http: {
        hostname: "h.test", url: "/a?b", http_user_agent: "me", http_content_type: "text/html", http_refer: "x", http_method: "GET",
        protocol: "HTTP/1.1", status: 302, redirect: "/c", length: 3,
      },
    });
  });
});

describe("FTP", () => {
  it("pairs commands with replies and announces data connections", () => {
    const front = session("ftp");
    const txs = front.txs();
    expect(txs.map((tx) => front.text(tx, BUF.ftpCommand))).toEqual([undefined, "USER", "PASV", "RETR"]);
    const [, user = 0, pasv = 0, retr = 0] = txs;
    expect(front.texts(user, BUF.ftpReply, 1)).toEqual(["331 password"]);
    expect(front.texts(retr, BUF.ftpCode, 1)).toEqual(["150", "226", "226"]);
    expect(front.text(retr, BUF.ftpData)).toBe("a file.txt");
    expect(front.wasm.call("ftpDynamicPort", pasv)).toBe(1025);
    expect(front.wasm.call("lastExpected")).toBe(1025 | (1 << 16));
    const data = new Front(front.wasm, 6, [1, 2], PROTO.ftpData);
    front.wasm.call("adopt", data.conn, front.conn);
    data.talk([[1, bytes("content")]]);
    const [file = 0] = data.txs();
    expect([data.text(file, BUF.fileName, 1), data.text(file, BUF.fileData, 1)]).toEqual(["a file.txt", "content"]);
    expect(front.wasm.call("ftpDataCommand", file)).toBe(1);
  });

  it("reads the addresses of PORT and EPRT", () => {
    for (const line of ["PORT 10,1,2,3,4,5\r\n", "EPRT |1|10.1.2.3|1029|\r\n"]) {
      const front = new Front(fresh(), 6, [1, 21], PROTO.ftp);
      front.feed(0, bytes(line));
      const [tx = 0] = front.txs();
      expect([front.wasm.call("ftpMode", tx), front.wasm.call("ftpDynamicPort", tx)]).toEqual([1, 1029]);
      const at = front.wasm.call("ftpDynamicAddress", tx);
      expect([...front.wasm.read(at + 10, 6)]).toEqual([255, 255, 10, 1, 2, 3]);
    }
  });
});

describe("SSH", () => {
  it("reads banners and HASSH", () => {
    const front = session("ssh");
    const [tx = 0] = front.txs();
    expect([front.text(tx, BUF.sshProto, 0), front.text(tx, BUF.sshSoftware, 0)]).toEqual(["2.0", "PuTTY_1"]);
    expect(front.text(tx, BUF.sshSoftware, 1)).toBe("OpenSSH_9.0");
    expect(front.text(tx, BUF.hasshString)).toBe("kexx;e-cs;m-cs;c-cs");
    expect(front.text(tx, BUF.hassh)).toBe(createHash("md5").update("kexx;e-cs;m-cs;c-cs").digest("hex"));
  });
});

describe("SMB and DCE/RPC", () => {
  it("follows trees, files, pipes and calls", () => {
    const front = session("smb");
    const txs = front.txs();
    const files = txs.flatMap((tx) => ([0, 1] as const).flatMap((dir) => front.texts(tx, BUF.fileData, dir)));
    expect(files).toEqual(["MZ first second", "from the server"]);
    expect(txs.flatMap((tx) => front.texts(tx, BUF.fileName))).toEqual(["dir\\evil.exe"]);
    const call = txs.find((tx) => front.wasm.call("dcerpcOpnum", tx) === 12) ?? 0;
    expect(front.text(call, BUF.stub)).toBe("stub!");
    expect(front.text(call, BUF.pipe, 1)).toBe("svcctl");
    expect(front.eve(call).smb).toMatchObject({
      dialect: "3.11", share: "\\\\host\\IPC$", dcerpc: { opnum: 12, interface: "12345678-1234-abcd-ef00-01234567cffb", version: "1.0" },
    });
  });

  it("reads calls over TCP", () => {
    const front = session("dcerpc");
    const [tx = 0] = front.txs();
    expect(front.wasm.call("dcerpcOpnum", tx)).toBe(15);
    expect([front.text(tx, BUF.stub, 0), front.text(tx, BUF.stub, 1)]).toEqual(["question", "reply"]);
  });
});
