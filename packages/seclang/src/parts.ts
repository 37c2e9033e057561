// The pieces that rules in an image share: texts, macros, TX slots, chains of transformations, regular expressions, phrase sets.
import type { CompiledRegex } from "@secuxflow/regex";
import { ByteWriter, encodeLiterals, transformationId } from "@secuxflow/rule-image";
import { changing } from "./classes.js";
import { compiled, latin, lower } from "./conditions.js";
import type { Exclusion, Macro, Select } from "./ir.js";
import { NONE, SELECT, TARGET_COUNT, type HEADER } from "./layout.js";
import { COLLECTIONS, SCALARS, variableId } from "./variables.js";

/** Words of the header by name. */
export type Header = Partial<Record<(typeof HEADER)[number], number>>;

/** Writes pieces into the section RULE, each once, and gives their offsets or numbers. */
export class Parts {
  protected readonly out = new ByteWriter(1 << 18);
  protected readonly chainList = [{ parent: 0, transformation: 0, mask: 0n, names: 4, namesLength: 0 }];
  protected readonly regexList: CompiledRegex[] = [];
  protected readonly phraseSets: { bytes: Uint8Array; lengths: number[] }[] = [];
  private readonly chains = new Map<string, number>([["", 0]]);
  private readonly slots = new Map<string, number>();
  private readonly regexes = new Map<string, number>();
  private readonly phraseIndex = new Map<string, number>();
  private readonly texts = new Map<string, number>();

  constructor(
    /** u32 words of a set of items. */
    protected readonly words: number,
    private readonly initial: ReadonlyMap<string, string>,
  ) {}

  protected bitset(items: readonly number[]): number {
    const words = new Uint32Array(this.words);
    for (const item of items) words[item >> 5] = ((words[item >> 5] ?? 0) | (1 << (item & 31))) >>> 0;
    const at = this.out.align(16).length;
    for (const word of words) this.out.u32(word);
    return at;
  }

  protected chain(transformations: readonly string[]): number {
    let parent = 0;
    let key = "";
    let mask = 0n;
    for (const [i, name] of transformations.entries()) {
      const transformation = transformationId("seclang", name) ?? 0;
      key += `${transformation},`;
      mask |= changing(transformation);
      const found = this.chains.get(key);
      const chain = found ?? this.chainList.length;
      if (found === undefined) {
        this.chains.set(key, chain);
        const names = transformations.slice(0, i + 1).join(",");
        this.chainList.push({ parent, transformation, mask, names: this.text(names), namesLength: names.length });
      }
      parent = chain;
    }
    return parent;
  }

  /** Makes what the target points to, and gives what writes the record itself. */
  protected target({ variable, select }: Exclusion, count: boolean): () => void {
    const { kind, a, b, hash } = this.select(variable, select);
    const id = variableId(variable);
    return () => {
      this.out.u8(id).u8(count ? TARGET_COUNT : 0).u8(kind).u8(0).u32(a).u32(b).u32(hash);
    };
  }

  protected select(variable: string, select: Select): { kind: number; a: number; b: number; hash: number } {
    if (variable === "XML" && select.kind === "key") {
      return { kind: select.key.includes("@") ? SELECT.attributes : SELECT.elements, a: 0, b: 0, hash: 0 };
    }
    switch (select.kind) {
      case "all":
        return { kind: SELECT.all, a: 0, b: 0, hash: 0 };
      case "key":
        if (variable === "TX") return { kind: SELECT.slot, a: this.slot(select.key), b: 0, hash: 0 };
        return { kind: SELECT.key, a: this.text(select.key.toLowerCase()), b: select.key.length, hash: hashOf(select.key) };
      case "regex":
        return { kind: SELECT.regex, a: this.regex(variable === "TX" ? `(?i)${select.pattern}` : `(?i)${select.pattern}`),
          b: 0, hash: 0 };
    }
  }

  protected slot(written: string): number {
    const name = written.toLowerCase();
    const found = this.slots.get(name);
    if (found !== undefined) return found;
    const slot = this.slots.size;
    this.slots.set(name, slot);
    return slot;
  }

  protected writeSlots(header: Header): void {
    const names = [...this.slots.keys()];
    const records = names.map((name) => {
      const value = this.initial.get(name);
      return { name: this.text(name), length: name.length, hash: hashOf(name),
        value: value === undefined ? 0 : this.text(value), valueLength: value === undefined ? NONE : value.length,
        score: /^(?:inbound_|outbound_)?anomaly_score_pl\d$/.test(name) };
    });
    const size = 1 << Math.ceil(Math.log2(Math.max(8, names.length * 2)));
    const table = new Uint32Array(size);
    records.forEach((record, i) => {
      let at = record.hash & (size - 1);
      while (table[at] !== 0) at = (at + 1) & (size - 1);
      table[at] = i + 1;
    });
    header.slotCount = names.length;
    header.slots = this.out.align(4).length;
    for (const record of records) this.out.u32(record.name).u32(record.length).u32(record.hash).u32(record.value).u32(record.valueLength).u32(record.score ? 1 : 0);
    header.slotHash = this.out.length;
    header.slotHashSize = size;
    for (const entry of table) this.out.u32(entry);
  }

  protected macro(macro: Macro): number {
    if (macro.length === 0) return 0;
    const parts = macro.map((part) => {
      if ("text" in part) return { kind: 0, variable: 0, a: this.text(part.text), b: part.text.length, hash: 0 };
      const isCollection = Object.hasOwn(COLLECTIONS, part.variable);
      const variable = (COLLECTIONS[part.variable] ?? SCALARS[part.variable]) ?? 0;
      if (part.variable === "TX") return { kind: 2, variable, a: this.slot(part.key), b: 0, hash: 0 };
      const key = isCollection ? part.key.toLowerCase() : "";
      return { kind: 1, variable, a: this.text(key), b: key.length, hash: hashOf(key) };
    });
    const at = this.out.align(4).length;
    this.out.u32(parts.length);
    for (const part of parts) this.out.u32(part.kind).u32(part.variable).u32(part.a).u32(part.b).u32(part.hash);
    return at;
  }

  protected regex(pattern: string): number {
    const found = this.regexes.get(pattern);
    if (found !== undefined) return found;
    const regex = compiled(pattern);
    const index = this.regexList.length;
    this.regexes.set(pattern, index);
    this.regexList.push(regex);
    return index;
  }

  protected phraseSet(phrases: readonly string[]): number {
    const key = phrases.join("\n");
    const found = this.phraseIndex.get(key);
    if (found !== undefined) return found;
    const bytes = encodeLiterals(phrases.map((phrase) => ({ bytes: lower(latin(phrase)), nocase: true })));
    const index = this.phraseSets.length;
    this.phraseSets.push({ bytes, lengths: phrases.map((phrase) => phrase.length) });
    this.phraseIndex.set(key, index);
    return index;
  }

  protected text(text: string): number {
    if (text === "") return 4;
    const found = this.texts.get(text);
    if (found !== undefined) return found;
    const at = this.out.length;
    this.out.bytes(latin(text));
    this.texts.set(text, at);
    return at;
  }

  protected table(bytes: Uint8Array): number {
    const at = this.out.align(8).length;
    this.out.bytes(bytes);
    return at;
  }
}

/** FNV-1a of the name in small letters, as the engine hashes names. */
export function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of lower(latin(name))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
