import type { Finding } from "@secuxflow/inspect-abi";
import { parseAddress } from "@secuxflow/inspect-abi";
import type { RuleText } from "@secuxflow/rule-image";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectionEvent, detectionFields, eveEvent } from "./index.js";
import type { EventPacket, StoredDetection } from "./index.js";

const rule: RuleText = {
  gid: 3, rev: 7, msg: "A rule", classtype: "trojan-activity", category: "A Network Trojan was detected", severity: 1, action: "alert",
  references: ["https://example.org/1"], metadata: { tag: ["x"] },
}; // prettier-ignore

const finding = (changes: Partial<Finding> = {}): Finding => ({
  recordIndex: 0, ruleId: 2001, severity: 1, verdictHint: "alert", confidence: 90, inStream: false, matchOffset: 0, matchLen: 0,
  dropped: false, noAlert: false, attributes: {}, ...changes,
}); // prettier-ignore

const detection = (changes: Partial<StoredDetection> = {}): StoredDetection => ({
  time: "2016-07-13T22:42:07.199672Z", rule: { id: 2001, name: "A rule", category: "A Network Trojan was detected" }, severity: 1,
  confidence: 90, verdictHint: "alert", flowId: "ffffffffffffffff", vlan: 7, attributes: {},
  flow: { src: "10.0.0.1", dst: "10.0.0.2", sport: 1025, dport: 80, proto: "tcp" }, ...changes,
}); // prettier-ignore

const packet = (data: Uint8Array): EventPacket => ({
  timeNs: 1_468_449_727_199_672_000n, flowId: 0xffff_ffff_ffff_ffffn, src: parseAddress("10.0.0.1"), dst: parseAddress("10.0.0.2"),
  family: 4, proto: 6, sport: 1025, dport: 80, vlan: 7, data, link: { type: 1, name: "EN10MB" },
}); // prettier-ignore

describe("a detection that was published", () => {
  it("gives the event that its finding would have given (property)", () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const eves = fc.dictionary(fc.constantFrom("app_proto", "http", "dns", "flow", "timestamp", "alert", "tx_id", "x"), value);
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(eves, bytes, fc.option(bytes, { nil: undefined }), fc.boolean(), (eve, data, payload, dropped) => {
        const found = finding({ attributes: { eve: JSON.stringify(eve) }, dropped, ...(payload && { payload }) });
        const direct = eveEvent(found, packet(data), new Map([[2001, rule]]));
        const base64 = (raw: Uint8Array) => Buffer.from(raw).toString("base64");
        const stored = detection({
          eve: detectionFields(found, rule),
          packet: base64(data),
          ...(payload && { payload: base64(payload) }),
        });
        expect(JSON.parse(JSON.stringify(detectionEvent(stored)))).toEqual(JSON.parse(JSON.stringify(direct)));
      }),
    );
  });

  it("gives an event also without anything of EVE, and with addresses that are none", () => {
    const event = detectionEvent(detection({ attributes: { message: "\xc3\xa9" }, flow: { src: "2001:db8::1", dst: "?", sport: 0, dport: 0, proto: "icmpv6" } }));
    expect(event).toMatchObject({ src_ip: "2001:0db8:0000:0000:0000:0000:0000:0001", proto: "IPv6-ICMP", ip_v: 6, alert: { signature: "A rule", rev: 0 } });
    expect(event).not.toHaveProperty("packet");
    expect(detectionEvent(detection({ time: "nonsense", eve: "[", flow: { ...detection().flow, proto: "132" } }))).toMatchObject({ timestamp: "1970-01-01T00:00:00.000000+0000", proto: "SCTP" });
  });

  it("carries at most 32 KiB, and then the rule's own texts alone", () => {
    const long = JSON.stringify({ http: { url: "x".repeat(40_000) } });
    expect(JSON.parse(detectionFields(finding({ attributes: { eve: long } }), rule) ?? "")).toEqual({
      alert: { gid: 3, rev: 7, severity: 1, category: rule.category, references: rule.references, metadata: rule.metadata },
    });
    expect(detectionFields(finding({ attributes: { eve: long } }))).toBeUndefined();
    expect(detectionFields(finding())).toBeUndefined();
    expect(detectionFields(finding({ dropped: true }))).toBe('{"alert":{"action":"blocked"}}');
  });
});

describe("what a module says of addresses", () => {
  it("makes the community id, also of ICMP and inside of tunnels", () => {
    const of = (eve: object, changes: Partial<EventPacket> = {}) =>
      eveEvent(finding({ attributes: { eve: JSON.stringify(eve) } }), { ...packet(new Uint8Array()), ...changes }, new Map());
    const ping = { src_ip: "192.168.0.89", dest_ip: "192.168.0.1", proto: "ICMP", icmp_type: 8, icmp_code: 0 };
    // From the specification's baseline.
    expect(of(ping).community_id).toBe("1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
    expect(of({ ...ping, src_ip: "nonsense" }).community_id).toMatch(/^1:/);
    // A frame that is not IP has no addresses, unless the module found some inside.
    expect(of({}, { family: 0 })).not.toHaveProperty("src_ip");
    expect(of({}, { family: 0 })).not.toHaveProperty("community_id");
    expect(of(ping, { family: 0 })).toMatchObject({ src_ip: "192.168.0.89", community_id: "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" });
  });
});
