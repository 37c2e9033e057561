import { bytes, type Turn } from "../../sessions/packets.js";
import { type Compiled } from "../../testing/compile.js";

/** Protocol numbers of core/tx.ts, by name. */
export const PROTO = {
  unknown: 0, failed: 1, http: 2, tls: 3, dns: 4, smtp: 5, ftp: 6, ftpData: 7, ssh: 8, smb: 9, dcerpc: 10, http2: 11, quic: 12,
  imap: 13, pop3: 14, ntp: 15, dhcp: 16, snmp: 17, tftp: 18, krb5: 19, sip: 20, rdp: 21, mqtt: 22, telnet: 23, ike: 24, nfs: 25,
  rfb: 26, modbus: 27, dnp3: 28, enip: 29,
} as const;

/** Buffer numbers of app/buffers.ts that the tests use. */
export const BUF = {
  fileData: 1, fileName: 2, dnsQuery: 10, dnsQueryName: 11, dnsAnswerName: 12, dnsRrname: 13, sni: 20, subject: 21, issuer: 22,
  serial: 23, fingerprint: 24, certs: 25, san: 26, alpn: 27, random: 28, tlsVersion: 31, ja3Hash: 32, ja3: 33, ja3sHash: 34,
  ja3s: 35, ja4: 36, helo: 50, mailFrom: 51, rcptTo: 52, emailFrom: 53, subjectLine: 54, emailTo: 55, url: 61, ftpCommand: 70,
  ftpData: 71, ftpReply: 72, ftpCode: 73, sshProto: 80, sshSoftware: 81, hassh: 82, hasshString: 83, pipe: 90, share: 91, user: 92,
  domain: 93, stub: 94,
} as const;

const ROOM = 1 << 17;

/** A piece of one direction's stream: 0 from the client, 1 from the server. */
export { bytes };
export type { Turn };

/** The application layer of one connection, driven as the engine drives it. */
export class Front {
  readonly #conn: number;
  readonly #room: number;
  readonly #offsets: [bigint, bigint] = [0n, 0n];

  constructor(
    readonly wasm: Compiled,
    l4: 6 | 17 = 6,
    ports: readonly [number, number] = [40000, 8000],
    proto: number = PROTO.unknown,
  ) {
    this.#room = wasm.call("take", ROOM);
    this.#conn = wasm.call("appNew", proto, l4, ports[0], ports[1]);
  }

  get conn(): number {
    return this.#conn;
  }

  get proto(): number {
    return this.wasm.call("connProto", this.#conn);
  }

  get events(): number {
    return this.wasm.call("connEvents", this.#conn);
  }

  /** Feeds one piece. */
  feed(dir: 0 | 1, data: Uint8Array): void {
    this.wasm.write(this.#room, data);
    this.wasm.call("appFeed", this.#conn, dir, this.#room, data.length, this.#offsets[dir], 0);
    this.#offsets[dir] += BigInt(data.length);
  }

  /** Feeds all pieces, then ends both directions. */
  talk(turns: readonly Turn[]): this {
    for (const [dir, data] of turns) this.feed(dir, data);
    return this.end();
  }

  gap(dir: 0 | 1, count: number): void {
    this.wasm.call("appGap", this.#conn, dir, count);
    this.#offsets[dir] += BigInt(count);
  }

  end(): this {
    this.wasm.call("appEnd", this.#conn, 0);
    this.wasm.call("appEnd", this.#conn, 1);
    return this;
  }

  /** Pointers of the transactions, oldest first. */
  txs(): number[] {
    const found: number[] = [];
    let tx = this.wasm.call("appFirst", this.#conn);
    while (tx !== 0) {
      found.push(tx);
      tx = this.wasm.call("appNext", this.#conn, tx);
    }
    return found;
  }

  /** A buffer as Latin-1 text; undefined when there is none. */
  text(tx: number, buffer: number, dir: 0 | 1 = 0, index = 0): string | undefined {
    const at = this.wasm.call("appBuffer", tx, buffer, index, dir);
    if (at === 0) return undefined;
    return Buffer.from(this.wasm.read(at, this.wasm.call("bufferLen"))).toString("latin1");
  }

  /** All of a buffer that can be there several times. */
  texts(tx: number, buffer: number, dir: 0 | 1 = 0): string[] {
    const found: string[] = [];
    for (let index = 0; ; index++) {
      const text = this.text(tx, buffer, dir, index);
      if (text === undefined) return found;
      found.push(text);
    }
  }

  /** Bits of the transaction's events. */
  txEvents(tx: number): number[] {
    const bits = BigInt.asUintN(64, this.wasm.call64("txEvents", tx));
    return Array.from({ length: 64 }, (_, i) => i).filter((i) => (bits >> BigInt(i)) & 1n);
  }

  progress(tx: number, dir: 0 | 1): number {
    return this.wasm.call("txProgressOf", tx, dir);
  }

  /** EVE of a transaction. */
  eve(tx: number): Record<string, unknown> {
    const length = this.wasm.call("eve", tx, 0, this.#room, ROOM);
    return JSON.parse(Buffer.from(this.wasm.read(this.#room, length)).toString("latin1")) as Record<string, unknown>;
  }

  /** All that can be seen of the connection, for comparisons. */
  summary(): unknown {
    const txs = this.txs().map((tx) => {
      const proto = this.wasm.call("txProto", tx);
      const buffers: Record<string, string[]> = {};
      for (const dir of [0, 1] as const) {
        for (const [name, buffer] of Object.entries(BUF)) {
          const found = this.texts(tx, buffer, dir).slice(0, 8);
          if (found.length !== 0) buffers[`${name}.${dir}`] = found;
        }
      }
      return { proto, events: this.txEvents(tx), progress: [this.progress(tx, 0), this.progress(tx, 1)], buffers, eve: this.eve(tx) };
    });
    return { proto: this.proto, txs };
  }

  free(): void {
    this.wasm.call("appFree", this.#conn);
    this.wasm.call("give", this.#room);
  }
}
