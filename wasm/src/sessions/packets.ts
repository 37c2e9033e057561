// A conversation of each protocol, made up: what tests and the fuzzer start from.

/** Bytes of one side of a conversation: 0 the client's, 1 the server's. */
export type Turn = readonly [dir: 0 | 1, bytes: Uint8Array];

/** ASCII or Latin-1 text as bytes. */
export const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));


const u8 = (value: number): number[] => [value & 255];
const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
const u24 = (value: number): number[] => [(value >> 16) & 255, ...u16(value)];
const u32 = (value: number): number[] => [(value >>> 24) & 255, ...u24(value)];
const le16 = (value: number): number[] => u16(value).reverse();
const le32 = (value: number): number[] => u32(value).reverse();
const le64 = (value: number): number[] => [...le32(value), 0, 0, 0, 0];
const join = (...parts: (ArrayLike<number> | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => Array.from(typeof part === "string" ? bytes(part) : part)));

/** A name in DNS form. */
export const dnsName = (name: string): Uint8Array =>
  join(...name.split(".").flatMap((label) => [u8(label.length), label]), name === "" ? [] : [0]);

/** A DNS message of given flags; sections are raw bytes, counted by the caller. */
export const dnsMessage = (id: number, flags: number, counts: readonly [number, number, number, number], body: Uint8Array): Uint8Array =>
  join(u16(id), u16(flags), ...counts.map(u16), body);

/** A question for A of the name. */
export const dnsQuestion = (name: string, id = 7, type = 1): Uint8Array =>
  dnsMessage(id, 0x0100, [1, 0, 0, 0], join(dnsName(name), u16(type), u16(1)));

/** A resource record whose name points at offset 12. */
export const dnsRecord = (type: number, ttl: number, data: ArrayLike<number>): Uint8Array =>
  join(u16(0xc00c), u16(type), u16(1), u32(ttl), u16(data.length), data);

export const dnsAnswer = (name: string, records: readonly Uint8Array[], id = 7): Uint8Array =>
  dnsMessage(id, 0x8180, [1, records.length, 0, 0], join(dnsName(name), u16(1), u16(1), ...records));

/** The message with its length in front, for TCP. */
export const dnsOverTcp = (message: Uint8Array): Uint8Array => join(u16(message.length), message);

/** What a ClientHello says. */
interface Hello {
  readonly version: number;
  readonly ciphers: readonly number[];
  /** Type and content, in order. */
  readonly extensions?: readonly (readonly [number, ArrayLike<number>])[];
  readonly session?: ArrayLike<number>;
}

const helloBody = (hello: Hello, server: boolean): Uint8Array => {
  const session = hello.session ?? [];
  const ciphers = hello.ciphers.flatMap(u16);
  const extensions = (hello.extensions ?? []).flatMap(([type, data]) => Array.from(join(u16(type), u16(data.length), data)));
  return join(
    u16(hello.version),
    Array.from({ length: 32 }, (_, i) => i),
    u8(session.length),
    session,
    server ? ciphers : [...u16(ciphers.length), ...ciphers],
    server ? [0] : [1, 0],
    hello.extensions === undefined ? [] : [...u16(extensions.length), ...extensions],
  );
};

/** A handshake message. */
export const handshake = (type: number, body: ArrayLike<number>): Uint8Array => join(u8(type), u24(body.length), body);

/** A TLS record. */
export const record = (type: number, body: ArrayLike<number>, version = 0x0303): Uint8Array =>
  join(u8(type), u16(version), u16(body.length), body);

export const clientHello = (hello: Hello): Uint8Array => handshake(1, helloBody(hello, false));
export const serverHello = (hello: Hello): Uint8Array => handshake(2, helloBody(hello, true));
export const sni = (name: string): readonly [number, Uint8Array] => [0, join(u16(name.length + 3), [0], u16(name.length), name)];
export const alpn = (...names: string[]): readonly [number, Uint8Array] => {
  const list = join(...names.flatMap((name) => [u8(name.length), name]));
  return [16, join(u16(list.length), list)];
};
export const list16 = (type: number, values: readonly number[]): readonly [number, Uint8Array] => [
  type,
  join(u16(values.length * 2), values.flatMap(u16)),
];

const tlv = (tag: number, ...parts: (ArrayLike<number> | string)[]): Uint8Array => {
  const body = join(...parts);
  return join([tag], body.length < 128 ? u8(body.length) : [0x82, ...u16(body.length)], body);
};
const attribute = (oid: readonly number[], text: string): Uint8Array => tlv(0x31, tlv(0x30, tlv(6, oid), tlv(0x13, text)));
const rsa = tlv(0x30, tlv(6, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]), [5, 0]);

/** A certificate without a valid signature. */
export const certificate = (names: { readonly country: string; readonly common: string; readonly dns: string }): Uint8Array => {
  const subject = tlv(0x30, attribute([0x55, 4, 6], names.country), attribute([0x55, 4, 3], names.common));
  const tbs = tlv(
    0x30,
    tlv(0xa0, [2, 1, 2]),
    tlv(2, [0, 0x97, 0xe6, 0x47]),
    rsa,
    tlv(0x30, attribute([0x55, 4, 10], "Acme"), attribute([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "a@b.c")),
    tlv(0x30, tlv(0x17, "150212180727Z"), tlv(0x18, "20250209180727Z")),
    subject,
    tlv(0x30, rsa, tlv(3, [0, 1, 2, 3])),
    tlv(0xa3, tlv(0x30, tlv(0x30, tlv(6, [0x55, 0x1d, 17]), tlv(4, tlv(0x30, tlv(0x82, names.dns), tlv(0x87, [10, 0, 0, 1])))))),
  );
  return tlv(0x30, tbs, rsa, tlv(3, [0, 9, 9]));
};

export const certificates = (...chain: Uint8Array[]): Uint8Array => {
  const list = join(...chain.flatMap((der) => [u24(der.length), der]));
  return handshake(11, join(u24(list.length), list));
};

const nbss = (message: Uint8Array): Uint8Array => join([0], u24(message.length), message);
const utf16 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "utf16le"));

const smb2 = (command: number, id: number, answer: boolean, tree: number, body: ArrayLike<number>): Uint8Array =>
  nbss(
    join([0xfe], "SMB", le16(64), le16(0), le32(0), le16(command), le16(1), le32(answer ? 1 : 0), le32(0), le64(id), le32(0),
      le32(tree), le64(77), Array.from({ length: 16 }, () => 0), body),
  );

/** A DCE/RPC PDU, little-endian. */
const rpc = (type: number, callId: number, body: ArrayLike<number>): Uint8Array =>
  join([5, 0, type, 3, 0x10, 0, 0, 0], le16(16 + body.length), le16(0), le32(callId), body);
const UUID_LE = [0x78, 0x56, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab, 0xef, 0, 1, 0x23, 0x45, 0x67, 0xcf, 0xfb];
const rpcBind = rpc(11, 1, join(le16(4280), le16(4280), le32(0), [1, 0, 0, 0], le16(0), [1, 0], UUID_LE, le16(1), le16(0),
  Array.from({ length: 20 }, () => 0)));
const rpcRequest = (callId: number, opnum: number, stub: string): Uint8Array =>
  rpc(0, callId, join(le32(stub.length), le16(0), le16(opnum), stub));
const rpcResponse = (callId: number, stub: string): Uint8Array =>
  rpc(2, callId, join(le32(stub.length), le16(0), [0, 0], stub));

const FILE_ID = Array.from({ length: 16 }, (_, i) => i + 1);
const PIPE_ID = Array.from({ length: 16 }, (_, i) => i + 101);

const treeConnect = (id: number, share: string): Uint8Array => {
  const path = utf16(share);
  return smb2(3, id, false, 0, join(le16(9), le16(0), le16(72), le16(path.length), path));
};
const create = (id: number, tree: number, name: string): Uint8Array => {
  const path = utf16(name);
  const fixed = Uint8Array.from({ length: 56 });
  fixed.set([57, 0]);
  fixed.set([...le16(120), ...le16(path.length)], 44);
  return smb2(5, id, false, tree, join(fixed, path));
};
const created = (id: number, tree: number, file: readonly number[]): Uint8Array => {
  const fixed = Uint8Array.from({ length: 88 });
  fixed.set([89, 0]);
  fixed.set(file, 64);
  return smb2(5, id, true, tree, fixed);
};
const write = (id: number, tree: number, file: readonly number[], offset: number, data: ArrayLike<number>): Uint8Array =>
  smb2(9, id, false, tree, join(le16(49), le16(112), le32(data.length), le64(offset), file, Array.from({ length: 16 }, () => 0), data));
const readRequest = (id: number, tree: number, file: readonly number[], offset: number): Uint8Array =>
  smb2(8, id, false, tree, join(le16(49), [0, 0], le32(4096), le64(offset), file, Array.from({ length: 16 }, () => 0)));
const readAnswer = (id: number, tree: number, data: ArrayLike<number>): Uint8Array =>
  smb2(8, id, true, tree, join(le16(17), [80, 0], le32(data.length), le32(0), le32(0), data));

/** One session of each protocol, as turns. */
export const SESSIONS: Readonly<Record<string, readonly Turn[]>> = {
  dns: [
    [0, dnsOverTcp(dnsQuestion("www.example.com"))],
    [1, dnsOverTcp(dnsAnswer("www.example.com", [dnsRecord(1, 60, [192, 0, 2, 1]), dnsRecord(5, 60, dnsName("a.b"))]))],
    [0, join(dnsOverTcp(dnsQuestion("one.test", 8)), dnsOverTcp(dnsQuestion("two.test", 9)))],
  ],
  tls: [
    [0, record(22, clientHello({ version: 0x0303, ciphers: [0x1301, 0xc02b], extensions: [sni("example.org"), alpn("h2")] }), 0x0301)],
    [1, record(22, join(serverHello({ version: 0x0303, ciphers: [0xc02b], extensions: [] }),
      certificates(certificate({ country: "DE", common: "example.org", dns: "www.example.org" })), handshake(14, [])))],
    [0, join(record(22, handshake(16, [1, 2, 3])), record(20, [1]), record(22, [9, 8, 7, 6, 5]))],
    [1, join(record(20, [1]), record(22, [5, 5, 5, 5, 5, 5]), record(23, [1, 2, 3]))],
    [0, record(23, Array.from({ length: 600 }, (_, i) => i & 255))],
  ],
  smtp: [
    [1, bytes("220 mx.test ESMTP\r\n")],
    [0, bytes("EHLO client.test\r\n")],
    [1, bytes("250-mx.test\r\n250 SIZE\r\n")],
    [0, bytes("MAIL FROM:<a@test> SIZE=3\r\n")],
    [1, bytes("250 ok\r\n")],
    [0, bytes("RCPT TO:<b@test>\r\n")],
    [1, bytes("250 ok\r\n")],
    [0, bytes("DATA\r\n")],
    [1, bytes("354 go\r\n")],
    [0, bytes([
      "From: A <a@test>", "To: b@test,", " c@test", "Subject: hello", 'Content-Type: multipart/mixed; boundary="xx"', "",
      "preamble", "--xx", "Content-Type: text/plain", "", "see http://Evil.test/path now", "--xx",
      'Content-Type: application/zip; name="n.zip"', "Content-Transfer-Encoding: base64",
      'Content-Disposition: attachment; filename="e.zip"', "", "aGVsbG8gd2", "9ybGQ=", "--xx",
      "Content-Disposition: attachment; filename=q.txt", "Content-Transfer-Encoding: quoted-printable", "", "a=3Db=", "c", "..d",
      "--xx--", ".", "",
    ].join("\r\n"))],
    [1, bytes("250 queued\r\n")],
    [0, bytes("QUIT\r\n")],
    [1, bytes("221 bye\r\n")],
  ],
  ftp: [
    [1, bytes("220 ProFTPD ready\r\n")],
    [0, bytes("USER anonymous\r\n")],
    [1, bytes("331 password\r\n")],
    [0, bytes("PASV\r\n")],
    [1, bytes("227 Entering Passive Mode (10,0,0,9,4,1)\r\n")],
    [0, bytes("RETR a file.txt\r\n")],
    [1, bytes("150 here it comes\r\n226-more\r\n226 done\r\n")],
  ],
  ssh: [
    [1, join("hello\r\nSSH-2.0-OpenSSH_9.0 Debian\r\n")],
    [0, join("SSH-2.0-PuTTY_1\r\n")],
    [0, join(u32(4 + 16 + 8 * 8), [3, 20], Array.from({ length: 16 }, () => 7), ...["kex", "key", "e-cs", "e-sc", "m-cs", "m-sc",
      "c-cs", "c-sc"].flatMap((name) => [u32(4), name.padEnd(4, "x")]), [0, 0])],
    [0, join(u32(2), [0, 21])],
    [1, bytes("\x00\x00\x00\x02\x00\x15")],
  ],
  smb: [
    [0, smb2(0, 0, false, 0, join(le16(36), le16(1), Array.from({ length: 34 }, () => 0)))],
    [1, smb2(0, 0, true, 0, join(le16(65), le16(1), le16(0x0311), Array.from({ length: 60 }, () => 0)))],
    [0, treeConnect(1, "\\\\host\\data")],
    [1, smb2(3, 1, true, 5, [16, 0, 1, 0, 0, 0])],
    [0, create(2, 5, "dir\\evil.exe")],
    [1, created(2, 5, FILE_ID)],
    [0, write(3, 5, FILE_ID, 0, bytes("MZ first "))],
    [0, write(4, 5, FILE_ID, 9, bytes("second"))],
    [0, readRequest(5, 5, FILE_ID, 0)],
    [1, readAnswer(5, 5, bytes("from the server"))],
    [0, treeConnect(6, "\\\\host\\IPC$")],
    [1, smb2(3, 6, true, 6, [16, 0, 2, 0, 0, 0])],
    [0, create(7, 6, "svcctl")],
    [1, created(7, 6, PIPE_ID)],
    [0, write(8, 6, PIPE_ID, 0, rpcBind)],
    [1, smb2(9, 8, true, 6, [17, 0, 0, 0])],
    [0, write(9, 6, PIPE_ID, 0, rpcRequest(2, 12, "stub!"))],
    [1, smb2(9, 9, true, 6, [17, 0, 0, 0])],
    [0, smb2(6, 10, false, 5, join(le16(24), le16(0), le32(0), FILE_ID))],
    [1, smb2(6, 10, true, 5, [60, 0])],
  ],
  dcerpc: [
    [0, rpcBind],
    [1, rpc(12, 1, Array.from({ length: 40 }, () => 0))],
    [0, rpcRequest(2, 15, "question")],
    [1, rpcResponse(2, "reply")],
  ],
};
