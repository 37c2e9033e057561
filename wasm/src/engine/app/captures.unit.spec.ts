import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry } from "../../testing/compile.js";
import type { Compiled } from "../../testing/compile.js";
import { APP_EVENTS } from "./app-events.js";
import { Front } from "./harness.js";

const DATA = process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../../shared/conformance");
const TESTS = join(DATA, "suricata-verify/tests");

let fresh: () => Compiled;
beforeAll(async () => {
  fresh = await compileEntry("engine/app/test-entry.ts");
});

/** Where IP starts, by link type: Ethernet, raw, Linux cooked. */
const IP_AT: Readonly<Record<number, number>> = { 1: 14, 12: 0, 101: 0, 113: 16 };

/** Bytes of a little-endian capture's TCP and UDP flows over IPv4, segments in order of their sequence numbers. */
function replay(wasm: Compiled, file: string): Front[] {
  const data = readFileSync(join(TESTS, file));
  const flows = new Map<string, { front: Front; next: (number | undefined)[] }>();
  for (let at = 24; at + 16 <= data.length; ) {
    const length = data.readUInt32LE(at + 8);
    const packet = data.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    const ipAt = IP_AT[data.readUInt32LE(20)] ?? 14;
    if (packet.readUInt8(ipAt) >> 4 !== 4) continue;
    const ip = packet.subarray(ipAt, ipAt + packet.readUInt16BE(ipAt + 2));
    const l4 = ip.subarray((ip.readUInt8(0) & 15) * 4);
    const proto = ip.readUInt8(9);
    if ((proto !== 6 && proto !== 17) || l4.length < 8) continue;
    const ends = [`${ip.subarray(12, 16).toString("hex")}:${l4.readUInt16BE(0)}`, `${ip.subarray(16, 20).toString("hex")}:${l4.readUInt16BE(2)}`];
    const back = flows.has(ends.toReversed().join());
    const key = back ? ends.toReversed().join() : ends.join();
    const flow = flows.get(key) ?? { front: new Front(wasm, proto, [l4.readUInt16BE(0), l4.readUInt16BE(2)]), next: [] };
    flows.set(key, flow);
    const dir = back ? 1 : 0;
    if (proto === 17) {
      flow.front.feed(dir, l4.subarray(8));
      continue;
    }
    const seq = l4.readUInt32BE(4);
    const start = (l4.readUInt8(13) & 2) === 0 ? seq : seq + 1;
    const body = l4.subarray((l4.readUInt8(12) >> 4) * 4);
    const next = flow.next[dir] ?? start;
    const known = (next - start) | 0;
    if (known >= 0 && known < body.length) flow.front.feed(dir, body.subarray(known));
    flow.next[dir] = known >= 0 && known < body.length ? (start + body.length) >>> 0 : next;
  }
  for (const { front } of flows.values()) front.end();
  return [...flows.values()].map(({ front }) => front);
}

const eves = (fronts: readonly Front[]): Record<string, unknown>[] =>
  fronts.flatMap((front) => front.txs().filter((tx) => front.wasm.call("txProto", tx) !== 2).map((tx) => front.eve(tx)));
const events = (fronts: readonly Front[], proto: string): (string | undefined)[] =>
  fronts.flatMap((front) => front.txs().flatMap((tx) => front.txEvents(tx).map((bit) => APP_EVENTS[proto]?.[bit])));

describe.skipIf(!existsSync(TESTS))("captures of suricata-verify", () => {
  it("gives the fields that its tests expect of TLS", () => {
    const found = eves(replay(fresh(), "sslv2-tls-upgrade-01/ssl-v2-s1.pcap"));
    expect(found[0]).toMatchObject({
      tls: {
        subject: "C=US, ST=California, L=Sunnyvale, O=NetScreen Technologies, Inc., OU=Security Team, " +
          "CN=sigdb.secteam.netscreen.com, Email=aturner@netscreen.com",
        serial: "55",
        fingerprint: "8c:90:bd:2a:b3:ae:e6:0b:d0:ea:b7:86:b0:1a:e4:b1:cc:57:ef:22",
        version: "TLSv1",
        notbefore: "2003-03-29T00:57:44",
        notafter: "2008-03-27T00:57:44",
      },
    });
    const damaged = replay(fresh(), "bug-1450-04/tls_DER-incomplete-header.pcap");
    expect(events(damaged, "tls")).toEqual(["invalid_handshake_message", "certificate_invalid_length"]);
  });

  it("gives those of DNS", () => {
    expect(events(replay(fresh(), "dns/dns-corrupt-additionals/input.pcap"), "dns")).toEqual(["invalid_additionals"]);
    expect(events(replay(fresh(), "dns/dns-answer-emptydata/input.pcap"), "dns")).toEqual([]);
    expect(events(replay(fresh(), "dns/dns-z-bit/input.pcap"), "dns")).toEqual(["z_flag_set"]);
  });

  it("gives those of SMTP, and the attachment as a file", () => {
    const fronts = replay(fresh(), "bug-3616-smtp/input.pcap");
    const mail = eves(fronts).find((eve) => "email" in eve);
    expect(mail).toMatchObject({
      smtp: { helo: "GP", mail_from: "<gurpartap@patriots.in>", rcpt_to: ["<raj_deol2002in@yahoo.co.in>"] },
      email: { status: "PARSE_DONE", attachment: ["NEWS.txt"], from: '"Gurpartap Singh" <gurpartap@patriots.in>' },
    });
    const sizes = fronts.flatMap((front) => front.txs().flatMap((tx) => front.texts(tx, 1).map((text) => text.length)));
    expect(sizes).toEqual([10807]);
  });

  it("gives those of SMB files, and of an overlapping write", () => {
    const fronts = replay(fresh(), "smb-eicar-file/input.pcap");
    const files = fronts.flatMap((front) => front.txs().flatMap((tx) => front.texts(tx, 1)));
    expect(files).toHaveLength(1);
    expect(files[0]).toContain("EICAR-STANDARD-ANTIVIRUS-TEST-FILE");
    expect(events(replay(fresh(), "smb-eicar-overlap/input.pcap"), "smb")).toEqual(["file_overlap"]);
  });
});
