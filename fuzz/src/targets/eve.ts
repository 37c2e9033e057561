/** EVE events from what a module says, which is not trusted: kind 0 is its `eve` attribute, 1 a payload, 2 the packet, 3 other attributes. */
import { eveEvent, type EventPacket } from "@secuxflow/eve";
import { ATTRIBUTES, type AttributeName, type Finding } from "@secuxflow/inspect-abi";
import { textOf, textStep, type Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { hashOf } from "./conversation.js";

const KIND = { eve: 0, payload: 1, packet: 2, text: 3 } as const;
const names: readonly AttributeName[] = Object.values(ATTRIBUTES).map(({ name }) => name);
const ADDRESS = 16;
const EVENT_BYTES = 4 << 20;

class EveSubject implements Subject {
  check(input: Input, reached: Reached): string | undefined {
    const hash = hashOf(input);
    const all = (kind: number): Input => input.filter((step) => step.kind === kind);
    const [eve] = all(KIND.eve);
    const [payload] = all(KIND.payload);
    const data = all(KIND.packet)[0]?.bytes ?? new Uint8Array();
    const byte = (at: number): number => data[at] ?? (hash >> (at % 24)) & 255;
    const attributes: Record<string, string> = Object.fromEntries(all(KIND.text).map((step, i) => [names[(hash + i) % names.length] ?? "message", textOf(step)] as const));
    const finding: Finding = {
      recordIndex: 0, ruleId: hash % 5, severity: 1 + (hash % 4), verdictHint: (["none", "alert", "drop"] as const)[hash % 3] ?? "none", confidence: hash % 101, inStream: (hash & 8) !== 0, matchOffset: 0, matchLen: 0,
      dropped: (hash & 16) !== 0, noAlert: (hash & 32) !== 0,
      attributes: { ...attributes, ...(eve && { eve: textOf(eve) }) }, ...(payload && { payload: payload.bytes }),
    };
    const address = (from: number): Uint8Array => Uint8Array.from({ length: ADDRESS }, (_, i) => byte(from + i));
    const packet: EventPacket = {
      timeNs: BigInt(hash) * 1_000_000_007n, flowId: BigInt(hash), src: address(0), dst: address(16), family: [0, 4, 6][byte(1) % 3] ?? 0, proto: byte(2), sport: byte(3) * 256, dport: byte(4) * 7, vlan: byte(5), data,
      ...(hash % 2 === 0 ? { captureIndex: 1, link: { type: 1, name: "ETHERNET" } } : {}),
    };
    const event = eveEvent(finding, packet, new Map());
    const text = JSON.stringify(event);
    reached(Object.keys(event).sort().join());
    if (text.length > EVENT_BYTES) return `the event has ${text.length} bytes`;
    const { timestamp, event_type: type } = event;
    if (typeof timestamp !== "string" || !/^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4}$/.test(timestamp)) return `its time is ${JSON.stringify(timestamp)}`;
    if (type !== "alert" && type !== "drop" && type !== "anomaly") return `its type is ${JSON.stringify(type)}`;
    return Object.getPrototypeOf(event) === Object.prototype ? undefined : "its prototype was set by the module";
  }
}

const SEEDS = [
  '{"src_ip":"10.0.0.1","dest_ip":"::1","src_port":1,"proto":"TCP","app_proto":"http","flow":{"start":"1700000000000000000","pkts_toserver":1},"http":{"hostname":"a","url":"/"},"metadata":{"flowbits":["traffic/id/x","b"]}}',
  '{"alert":{"action":"blocked"},"verdict":{"action":"drop","reject":["tcp-reset"]},"drop":{"reason":"rules"},"files":[{"filename":"x","size":1}]}',
  '{"dns":{"query":[{"rrname":"a.b"}]},"tls":{"sni":"x","ja3":{"hash":"0"}},"tunnel":{"depth":1},"vlan":[1,2]}', "[]", "{", '{"__proto__":{"a":1},"timestamp":"x","event_type":"y"}',
];

export const eveTarget: TargetMaker = () => Promise.resolve({
  name: "eve", kinds: [0, 0, 1, 2, 3], most: 70_000, steps: 8,
  seeds: SEEDS.map((text): Input => [textStep(KIND.eve, text), textStep(KIND.payload, "GET / HTTP/1.1\r\n\xff"), textStep(KIND.packet, "\x0a\0\0\x01".repeat(20)), textStep(KIND.text, "x")]),
  words: ["{", "}", "[", "]", "\"", ":", ",", "null", "1e999", "-0", "\\u0000", "\\ud800", "\"flow\":", "\"start\":\"", "\"metadata\":", "\"flowbits\":[", "\"alert\":", "\"__proto__\":", "99999999999999999999", "true"]
    .map((word) => Uint8Array.from(Buffer.from(word))),
  fresh: () => new EveSubject(),
});
