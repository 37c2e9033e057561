import { readFileSync } from "node:fs";
import { readObjectSpec, structLayoutOf } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import { BUCKET_BYTES, BUCKET_SLOTS, COMPARE_BYTES, HEAD, IMAGE_MAGIC, IMAGE_PAD, MARK, MAX_PROBES, RECORD, RECORD_BYTES, SETS_HEAD, TRIE_STEPS, TUPLE, TUPLE_BYTES, TUPLE_WORDS } from "./layout.js";
import { benchObjectPath } from "./testing/bench-object.js";
import { DETAIL, DROP, ENTRY, ENTRY_BYTES, PASS } from "./types.js";

const spec = readObjectSpec(benchObjectPath());
const offset = (struct: string, member: string): number => {
  const found = structLayoutOf(spec, struct).members.find(({ name }) => name === member);
  if (found === undefined) throw new Error(`struct ${struct} has no member ${member}`);
  return found.offset;
};
const size = (struct: string): number => structLayoutOf(spec, struct).size;
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe("layout of bpf/include/image.h", () => {
  it("heads", () => {
    const { size: headSize, ...fields } = HEAD;
    for (const [name, at] of Object.entries(fields)) expect([name, at]).toEqual([name, offset("image_head", snake(name))]);
    expect(headSize).toBe(size("image_head"));
    const { size: setsSize, ...sets } = SETS_HEAD;
    for (const [name, at] of Object.entries(sets)) expect([name, at]).toEqual([name, offset("sets_head", snake(name))]);
    expect(setsSize).toBe(size("sets_head"));
  });

  it("tuples, buckets, records, nodes", () => {
    const { srcWords, dstWords, ...tuple } = TUPLE;
    for (const [name, at] of Object.entries({ ...tuple, srcHi: srcWords, dstHi: dstWords, srcLo: srcWords + 8, dstLo: dstWords + 8 })) {
      expect([name, at]).toEqual([name, offset("tuple", snake(name))]);
    }
    expect([TUPLE_BYTES, BUCKET_BYTES, RECORD_BYTES, COMPARE_BYTES]).toEqual(["tuple", "bucket", "record", "trie_compare"].map(size));
    expect(offset("bucket", "record")).toBe(BUCKET_SLOTS * 4);
    expect([RECORD.marks, RECORD.slot, RECORD.detail]).toEqual([offset("record", "marks"), offset("record", "slot"), offset("record", "detail")]);
    expect([RECORD.order, RECORD.deadFrom, RECORD.id]).toEqual([offset("rule", "order"), offset("rule", "dead_from"), offset("record", "detail") + offset("detail", "id")]);
  });

  it("entries, as the encoder writes them", () => {
    const { detail, family, srcSet, dstSet, flags, id, slot, ...rule } = ENTRY;
    for (const [name, at] of Object.entries(rule)) expect([name, at]).toEqual([name, offset("rule", snake(name))]);
    for (const [name, at] of Object.entries({ family, srcSet, dstSet, flags, id, slot })) expect([name, at - detail]).toEqual([name, offset("detail", snake(name))]);
    const { expires, ...looked } = DETAIL;
    for (const [name, at] of Object.entries({ ...looked, expiresNs: expires })) expect([name, at]).toEqual([name, offset("detail", snake(name))]);
    expect([detail, ENTRY_BYTES]).toEqual([offset("entry", "detail"), size("entry")]);
  });

  it("constants", () => {
    const header = ["image.h", "trie.h", "layout.h"].map((name) => readFileSync(new URL(`../../../../bpf/include/${name}`, import.meta.url), "utf8")).join("");
    const constant = (name: string): number => Number(new RegExp(`^#define ${name} (\\w+)`, "m").exec(header)?.[1]);
    expect({ IMAGE_MAGIC, IMAGE_PAD, TUPLE_WORDS, BUCKET_SLOTS, MAX_PROBES, TRIE_STEPS }).toEqual(Object.fromEntries(
      ["IMAGE_MAGIC", "IMAGE_PAD", "TUPLE_WORDS", "BUCKET_SLOTS", "MAX_PROBES", "TRIE_STEPS"].map((name) => [name, constant(name)])));
    const mark = (name: string): number => 1 << Number(new RegExp(`RECORD_${name} = 1 << (\\d+)`).exec(header)?.[1]);
    expect(MARK).toEqual({ more: mark("MORE"), plain: mark("PLAIN"), drops: mark("DROPS"), needs: mark("NEEDS") });
    expect(/VERDICT_PASS = (\d+),\s+VERDICT_DROP,/.exec(header)?.[1]).toBe(String(PASS));
    expect(DROP).toBe(PASS + 1);
  });
});
