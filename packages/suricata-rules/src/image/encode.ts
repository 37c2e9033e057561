import { writeRuleImage } from "@secuxflow/rule-image";
import { bufferById } from "../buffers.js";
import type { Header, Rule } from "../ir.js";
import { AddressSets } from "./address-classes.js";
import type { AddressClasses } from "./address-classes.js";
import { encodeCondition, encodeLimits, encodePost, Names } from "./conditions.js";
import {
  ACTION, CONDITION_BYTES, HEADER, INSPECTION_BYTES, KIND, LAYOUT_VERSION, LIMIT_BYTES, MATCH_BYTES, POST_BYTES, R, RULE_BYTES,
  STAGE,
} from "./layout.js";
import { encodeMatches } from "./matches.js";
import { encodeMeta } from "./meta.js";
import { inOrder } from "./order.js";
import { bytesOfWords, Pool, Records } from "./pool.js";
import { PortSets } from "./port-classes.js";
import { Prefilter } from "./prefilter.js";
import { protocolsOf } from "./rule-protocols.js";
import { encodeTransforms } from "./transforms.js";

export interface EncodeOptions {
  /** Leaves META out: titles and references, which only hosts read. */
  readonly withoutMeta?: boolean;
  /** Actions in the order in which rules are tried (suricata.yaml's `action-order`); default pass, drop, reject, alert. */
  readonly actionOrder?: readonly string[];
}

/** Most inspections of one rule: a bit each in the module's state. */
export const MAX_INSPECTIONS = 30;

/**
 * Makes a rule image (see docs/adr/0006-inspection-engine.md) of checked rules. The order of the rules in the image is Suricata's.
 * @throws RuleImageError | RangeError when a limit of the format is exceeded
 */
export function encodeSuricata(rules: readonly Rule[], options: EncodeOptions = {}): Uint8Array {
  const ordered = inOrder(rules, options.actionOrder);
  const section = new Encoder(ordered).section();
  const sections = [{ tag: "RULE", bytes: section }];
  if (options.withoutMeta !== true) sections.push({ tag: "META", bytes: encodeMeta(rules) });
  return writeRuleImage({ kind: "suricata", version: LAYOUT_VERSION, sections });
}

class Encoder {
  readonly pool = new Pool();
  readonly names = new Names();
  readonly addresses = new AddressSets();
  readonly ports = new PortSets();
  readonly prefilter = new Prefilter();
  readonly records = {
    rules: new Records(RULE_BYTES),
    inspections: new Records(INSPECTION_BYTES),
    matches: new Records(MATCH_BYTES),
    conditions: new Records(CONDITION_BYTES),
    posts: new Records(POST_BYTES),
    limits: new Records(LIMIT_BYTES),
  };
  /** Rules on addresses alone: number, source and destination set. */
  readonly #byAddress: { index: number; src: number; dst: number; bidirectional: boolean }[] = [];
  #wanted = 0;

  constructor(rules: readonly Rule[]) {
    // Number 0 is every address, and every port.
    this.addresses.number({ any: true, v4: [], v6: [] });
    this.ports.number({ any: true, ranges: [] });
    rules.forEach((rule, index) => {
      this.#rule(rule, index);
    });
  }

  #rule(rule: Rule, index: number): void {
    const { header, flow } = rule;
    if (rule.inspections.length > MAX_INSPECTIONS) throw new RangeError(`rule ${rule.sid} looks at more than ${MAX_INSPECTIONS} buffers`);
    const inspectionFirst = this.records.inspections.count;
    const transforms = rule.inspections.map((inspection) => encodeTransforms(inspection.transforms, this.pool));
    rule.inspections.forEach((inspection, i) => {
      const { first, count } = encodeMatches(inspection.matches, this.records.matches, this.pool);
      const definition = bufferById(inspection.buffer);
      const stage = definition === undefined ? STAGE.complete : STAGE[definition.stage];
      const absent = inspection.matches.find(({ type }) => type === "absent");
      const flags = (absent?.type === "absent" ? (absent.orElse ? 2 : 1) : 0) | (definition?.multiple === true ? 4 : 0);
      this.#wanted |= wantedBy(inspection.buffer);
      const head = inspection.buffer | (inspection.directions << 8) | (stage << 16) | (flags << 24);
      this.records.inspections.add([head, first, count, transforms[i] ?? 0]);
    });
    if (rule.conditions.some(({ type }) => type === "filesize")) this.#wanted |= 4;
    const conditionFirst = this.records.conditions.count;
    for (const condition of cheapFirst(rule)) encodeCondition(condition, this.records.conditions, this.pool, this.names);
    const postFirst = this.records.posts.count;
    for (const post of rule.post) encodePost(post, this.records.posts, this.pool, this.names);
    const limits = encodeLimits(rule, this.records.limits, this.addresses);
    const [src, dst] = [this.addresses.number(header.src), this.addresses.number(header.dst)];
    const [sport, dport] = [this.ports.number(header.srcPorts), this.ports.number(header.dstPorts)];
    const [transports, ...tooMany] = transportWords(header);
    if (tooMany.length > 0) throw new RangeError(`rule ${rule.sid} has more than four transports`);
    const protocols = protocolsOf(rule).reduce((mask, id) => mask | (1 << id), 0);
    const used = rule.inspections.reduce((mask, { directions }) => mask | directions, 0);
    this.records.rules.add([
      rule.sid, rule.gid, rule.rev,
      ACTION[rule.action] | (rule.severity << 8) | (KIND[rule.kind] << 16) | (Math.min(rule.priority, 255) << 24),
      flagsOf(rule), src | (dst << 16), sport | (dport << 16), transports ?? 0,
      header.ipVersion | (header.app << 8) | (flow.directions << 16) | (Math.min(header.transports.length, 4) << 24),
      inspectionFirst, rule.inspections.length | (rule.conditions.length << 16), conditionFirst,
      postFirst, rule.post.length | (limits.count << 16), limits.first,
      rule.fastPattern === undefined || rule.fastPattern.negated ? 0 : rule.fastPattern.inspection + 1, protocols, used,
    ]);
    if (rule.kind === "ip") this.#byAddress.push({ index, src, dst, bidirectional: header.bidirectional });
    this.prefilter.add(rule, index, transforms);
  }

  /** Everything in one section: header, pool, tables. */
  section(): Uint8Array {
    const head = new Map<(typeof HEADER)[number], number>();
    const classes = this.addresses.classes();
    const slots = this.prefilter.slots(this.pool);
    const [always, events] = [this.prefilter.always(), this.prefilter.events()];
    this.#addressTables(classes, head);
    this.#portTables(head);
    this.#strings(head);
    const tables: [(typeof HEADER)[number], (typeof HEADER)[number], Records][] = [
      ["rules", "rulesAt", this.records.rules],
      ["inspections", "inspectionsAt", this.records.inspections],
      ["matches", "matchesAt", this.records.matches],
      ["conditions", "conditionsAt", this.records.conditions],
      ["posts", "postsAt", this.records.posts],
      ["limits", "limitsAt", this.records.limits],
      ["slots", "slotsAt", slots],
      ["always", "alwaysAt", always],
      ["events", "eventsAt", events],
    ];
    for (const [count, at, records] of tables) {
      head.set(count, records.count);
      head.set(at, this.pool.append(records.finish(), 64));
    }
    head.set("lists", this.prefilter.lists.numbers.length);
    head.set("listsAt", this.pool.append(bytesOfWords(this.prefilter.lists.numbers), 4));
    head.set("version", LAYOUT_VERSION);
    head.set("wanted", this.#wanted);
    const bytes = this.pool.finish();
    bytes.set(bytesOfWords(HEADER.map((name) => head.get(name) ?? 0)));
    return bytes;
  }

  #addressTables(classes: AddressClasses, head: Map<(typeof HEADER)[number], number>): void {
    const { v4, v6, members } = classes;
    head.set("v4", v4.starts.length);
    head.set("v4At", this.pool.append(bytesOfWords(v4.starts), 16));
    head.set("v4ClassAt", this.pool.append(bytesOfWords(v4.classes), 4));
    const wide = new Uint8Array(v6.starts.length * 16);
    const view = new DataView(wide.buffer);
    v6.starts.forEach((start, i) => {
      view.setBigUint64(i * 16, start >> 64n, true);
      view.setBigUint64(i * 16 + 8, start & 0xffffffffffffffffn, true);
    });
    head.set("v6", v6.starts.length);
    head.set("v6At", this.pool.append(wide, 16));
    head.set("v6ClassAt", this.pool.append(bytesOfWords(v6.classes), 4));
    this.#bits(members, this.addresses.sets.length, ["addressClasses", "addressWords", "addressAt", "addressSets"], head);
    // Rules on addresses alone hang on the classes of their smaller side; rules without a side are tried on every flow.
    const bySrc: number[][] = members.map(() => []);
    const byDst: number[][] = members.map(() => []);
    const general: number[] = [];
    const classesOf = new Map<number, number[]>();
    members.forEach((sets, number) => {
      for (const set of sets) {
        const list = classesOf.get(set);
        if (list === undefined) classesOf.set(set, [number]);
        else list.push(number);
      }
    });
    for (const { index, src, dst, bidirectional } of this.#byAddress) {
      const [a, b] = [this.addresses.size(src), this.addresses.size(dst)];
      if (bidirectional || Math.min(a, b) === Infinity) general.push(index);
      else if (a <= b) for (const number of classesOf.get(src) ?? []) bySrc[number]?.push(index);
      else for (const number of classesOf.get(dst) ?? []) byDst[number]?.push(index);
    }
    const words = members.flatMap((_, i) => [...this.prefilter.lists.add(bySrc[i] ?? []), ...this.prefilter.lists.add(byDst[i] ?? [])]);
    head.set("ipClassAt", this.pool.append(bytesOfWords(words), 4));
    const [at, count] = this.prefilter.lists.add(general);
    head.set("ipGeneralAt", at);
    head.set("ipGeneral", count);
  }

  #portTables(head: Map<(typeof HEADER)[number], number>): void {
    const { ofPort, members } = this.ports.classes();
    head.set("portClassAt", this.pool.append(new Uint8Array(ofPort.buffer), 4));
    this.#bits(members, this.ports.sets.length, ["portClasses", "portWords", "portAt", "portSets"], head);
  }

  /** A bit per class and set: whether the class lies in the set. */
  #bits(
    members: readonly (readonly number[])[],
    sets: number,
    [count, words, at, setCount]: readonly [(typeof HEADER)[number], (typeof HEADER)[number], (typeof HEADER)[number], (typeof HEADER)[number]],
    head: Map<(typeof HEADER)[number], number>,
  ): void {
    if (sets > 0xffff || members.length > 0xffff) throw new RangeError("more than 65,535 different addresses or ports of rules");
    const width = Math.ceil(sets / 32);
    const bits = new Array<number>(members.length * width).fill(0);
    members.forEach((list, row) => {
      for (const set of list) bits[row * width + (set >>> 5)] = (bits[row * width + (set >>> 5)] ?? 0) | (1 << (set & 31));
    });
    head.set(count, members.length);
    head.set(words, width);
    head.set(at, this.pool.append(bytesOfWords(bits), 4));
    head.set(setCount, sets);
  }

  /** Names by their hash, ascending: (hash, offset, length). */
  #strings(head: Map<(typeof HEADER)[number], number>): void {
    const sorted = [...this.names.strings].sort(([a], [b]) => a - b);
    const encoder = new TextEncoder();
    const words = sorted.flatMap(([hash, name]) => {
      const bytes = encoder.encode(name);
      return [hash, this.pool.add(bytes), bytes.length];
    });
    head.set("strings", sorted.length);
    head.set("stringsAt", this.pool.append(bytesOfWords(words), 4));
  }
}

/** What is tried first: conditions that cost little and fail often. Flow state comes before what must be looked up in tables. */
function cheapFirst(rule: Rule): Rule["conditions"] {
  const cost = (type: string): number => (type === "xbits" || type === "hostbits" ? 2 : type.startsWith("flow") ? 1 : 0);
  return [...rule.conditions].sort((a, b) => cost(a.type) - cost(b.type));
}

function flagsOf({ noalert, header, flow, payload, post }: Rule): number {
  const bits: [boolean, number][] = [
    [noalert, R.noalert], [header.bidirectional, R.bidirectional], [flow.state === "established", R.established],
    [flow.state === "not_established", R.notEstablished], [flow.onlyStream, R.onlyStream], [flow.noStream, R.noStream],
    [flow.onlyFrag, R.onlyFrag], [flow.noFrag, R.noFrag], [post.some(({ type }) => type === "bypass"), R.bypass],
    [header.transactional, R.transactional], [payload === "stream" || payload === "both", R.payloadStream], [payload === "packet" || payload === "both", R.payloadPacket],
  ];
  return bits.reduce((flags, [set, bit]) => (set ? flags | bit : flags), 0);
}

/** Up to four protocol numbers in a word. */
function transportWords({ transports }: Header): number[] {
  const words: number[] = [];
  for (let i = 0; i < transports.length; i += 4) {
    words.push(transports.slice(i, i + 4).reduce((word, proto, j) => word | (proto << (j * 8)), 0) >>> 0);
  }
  return words.length === 0 ? [0] : words;
}

/** Bits of what parsers must keep: 1 request bodies, 2 response bodies, 4 files. */
function wantedBy(buffer: number): number {
  if (buffer === 7) return 1;
  if (buffer === 8) return 2;
  return buffer === 6 || buffer === 130 ? 7 : 0;
}
