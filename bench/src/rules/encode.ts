import { structLayoutOf, type ObjectSpec } from "libbpf-ts";
import { isAnyPort, mask, type BenchRule, type Prefix } from "./rule.js";

/** Values of bpf/include/layout.h. */
const KNOWN_PORTS = 1;
const FRAGMENT_ANY = 7;
const VLAN_ANY = 0xffff;
const VERDICT_DROP = 1;
const PRIORITY = 1_000n;
/** An IPv4 address as ::ffff:a.b.c.d: what stands in front of it in the low word. */
const V4_MAPPED = 0xffff_0000_0000n;

type Writer = (buffer: Buffer, at: number, field: string, value: number | bigint) => void;

/** Writes members of a C structure where the program's BTF says that they are. */
function structWriter(spec: ObjectSpec, struct: string): { readonly size: number; readonly set: Writer } {
  const layout = structLayoutOf(spec, struct);
  const members = new Map(layout.members.map(({ name, offset, size }) => [name, { offset, size }]));
  const set: Writer = (buffer, at, field, value) => {
    const member = members.get(field);
    if (member === undefined) throw new RangeError(`struct ${struct} has no member ${field}`);
    if (member.size === 8) buffer.writeBigUInt64LE(BigInt(value), at + member.offset);
    else buffer.writeUIntLE(Number(value), at + member.offset, member.size);
  };
  return { size: layout.size, set };
}

/** Rules as `struct entry` of layout.h, each dropping; ids count from 1 in the order of the list. */
export function encodeRules(spec: ObjectSpec, rules: readonly BenchRule[]): Buffer {
  const { size } = structWriter(spec, "entry");
  const [{ set: setRule }, { set: setDetail }] = [structWriter(spec, "rule"), structWriter(spec, "detail")];
  const entry = structLayoutOf(spec, "entry");
  const detailAt = entry.members.find(({ name }) => name === "detail")?.offset ?? 0;
  const bytes = Buffer.alloc(size * rules.length);
  for (const [index, rule] of rules.entries()) {
    const at = index * size;
    for (const side of ["src", "dst"] as const) encodePrefix(side, rule[side], (field, value) => { setRule(bytes, at, field, value); });
    setRule(bytes, at, "order", (PRIORITY << 32n) | BigInt(index + 1));
    setRule(bytes, at, "sport_min", rule.sport[0]);
    setRule(bytes, at, "sport_max", rule.sport[1]);
    setRule(bytes, at, "dport_min", rule.dport[0]);
    setRule(bytes, at, "dport_max", rule.dport[1]);
    setRule(bytes, at, "proto", rule.proto ?? 0);
    setRule(bytes, at, "proto_mask", rule.proto === undefined ? 0 : 0xff);
    const detail = at + detailAt;
    setDetail(bytes, detail, "vlan", VLAN_ANY);
    setDetail(bytes, detail, "inner_vlan", VLAN_ANY);
    setDetail(bytes, detail, "length_max", 0xffff);
    setDetail(bytes, detail, "family", rule.src.length + rule.dst.length > 0 ? 4 : 0);
    setDetail(bytes, detail, "fragments", FRAGMENT_ANY);
    setDetail(bytes, detail, "needs", isAnyPort(rule.sport) && isAnyPort(rule.dport) ? 0 : KNOWN_PORTS);
    setDetail(bytes, detail, "id", index + 1);
    setDetail(bytes, detail, "slot", index);
    setDetail(bytes, detail, "verdict", VERDICT_DROP);
  }
  return bytes;
}

function encodePrefix(side: "src" | "dst", { address, length }: Prefix, set: (field: string, value: number | bigint) => void): void {
  set(`${side}_lo`, length === 0 ? 0 : V4_MAPPED | BigInt((address & mask(length)) >>> 0));
  set(`${side}_len`, length === 0 ? 0 : 96 + length);
}
