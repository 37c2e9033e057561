import { setNamed, type PolicyState } from "@secuxflow/contracts";
import { readPrefix, prefixWords } from "../dataplane/domain/address.js";
import { RuleEncoder } from "../dataplane/domain/encode.js";
import { readHead, readRecords } from "../dataplane/domain/generation.js";
import { DETAIL, ENTRY, IMAGE_HEAD, NO_IMAGE, RECORD, RULE } from "../dataplane/domain/layout.js";
import { FakeCompiler } from "./fake-compiler.js";
import type { FakeKernel } from "./fake-kernel.js";

/** A record without what may differ between two ways to the same policy: slot, marks, numbers of sets. */
const normalised = (entry: Uint8Array, sets: readonly string[]): string => {
  const bytes = Buffer.from(entry);
  bytes.writeUInt32LE(0, ENTRY.detail + DETAIL.slot);
  bytes.writeUInt32LE(0, ENTRY.rule + RULE.dead_from);
  bytes[ENTRY.detail + DETAIL.src_set] = 0;
  bytes[ENTRY.detail + DETAIL.dst_set] = 0;
  return [bytes.toString("hex"), ...sets].join(" ");
};

/** Everything that the kernel would match now: overlay, image and sets together, in no order. */
export function policyInKernel(kernel: FakeKernel): { readonly revision: number; readonly records: string[] } {
  const memory = kernel.generations[kernel.active()];
  const head = memory && readHead(memory);
  if (!memory || !head) throw new Error("no policy stands in the kernel");
  const entries = [...readRecords(memory, 1, head.rules + head.forwards)].map(({ bytes }) => Buffer.from(bytes));
  const orders = entries.slice(0, head.rules).map((entry) => entry.readBigUInt64LE(RULE.order));
  if (orders.some((order, index) => index > 0 && order < (orders[index - 1] ?? 0n))) throw new Error("the overlay is not in order");
  const image = kernel.images[head.image];
  if (image) {
    const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
    const first = bytes.readUInt32LE(IMAGE_HEAD.record_base);
    for (let i = 0; i < bytes.readUInt32LE(IMAGE_HEAD.records); i++) {
      const record = bytes.subarray(first + i * RECORD.size, first + (i + 1) * RECORD.size);
      const dead = record.readUInt32LE(RULE.dead_from);
      if (dead !== 0 && head.sequence >= dead) continue;
      entries.push(Buffer.concat([record.subarray(0, RULE.size), record.subarray(RECORD.detail, RECORD.detail + DETAIL.size), Buffer.alloc(ENTRY.size - ENTRY.sample)]));
    }
  }
  const setImage = head.sets === NO_IMAGE ? undefined : kernel.setImages[head.sets];
  const sets = setImage ? FakeCompiler.readSets(setImage) : new Map<number, string>();
  const setOf = (number: number | undefined): string => (number === undefined || number === 0 ? "-" : (sets.get(number - 1) ?? `no set ${number}`));
  return {
    revision: head.revision,
    records: entries.map((entry) => normalised(entry, [setOf(entry[ENTRY.detail + DETAIL.src_set]), setOf(entry[ENTRY.detail + DETAIL.dst_set])])).sort(),
  };
}

/** What the kernel must match for a policy, by encoding all of it anew. */
export function policyMeant(state: PolicyState, ifindexes: (name: string) => readonly number[] = () => [], toMonotonic: (iso: string) => bigint = () => 1n): string[] {
  const encoder = new RuleEncoder({ setBit: () => 0, serviceIndex: () => 0, ifindexes }, toMonotonic);
  const prefix = prefixWords();
  const setOf = (text: string): string => {
    const name = setNamed(text);
    if (name === undefined) return "-";
    const entries = [...(state.sets.get(name)?.entries ?? [])].map((entry) => {
      readPrefix(entry, prefix);
      const bytes = Buffer.alloc(20);
      prefix.words.forEach((word, at) => bytes.writeUInt32BE(word, at * 4));
      bytes[16] = prefix.length;
      return bytes.toString("hex");
    });
    return entries.join("");
  };
  const records: string[] = [];
  const add = (count: number, { src, dst }: { src: string; dst: string }): void => {
    const bytes = encoder.bytesOf(count);
    for (let at = 0; at < bytes.length; at += ENTRY.size) records.push(normalised(bytes.subarray(at, at + ENTRY.size), [setOf(src), setOf(dst)]));
  };
  for (const rule of state.rules.values()) add(encoder.rule(rule, 0), rule);
  for (const forward of state.forwards.values()) add(encoder.forward({ ...forward, moduleBit: state.modules.get(forward.module)?.bit ?? 0 }, 0), forward);
  return records.sort();
}
