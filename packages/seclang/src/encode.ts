// Rules to the sections of an image.
import { RegexSyntaxError } from "@secuxflow/regex";
import { ByteWriter } from "@secuxflow/rule-image";
import { changing } from "./classes.js";
import { wantedClasses, wantedLiterals } from "./conditions.js";
import { EffectWriter } from "./effect-writer.js";
import { SecLangError } from "./errors.js";
import { hits } from "./fold.js";
import type { Ctl, Exclusion, Item, Link, Refusal, Rule, Settings } from "./ir.js";
import { ARGUMENT, CAPTURES, DISRUPTIONS, HEADER, ITEM, LINK, NONE, TAGS } from "./layout.js";
import { LiteralSet } from "./literal-set.js";
import { constantOf } from "./macro.js";
import { byteRange, network } from "./operands.js";
import { OPERATORS } from "./operators.js";
import type { Header } from "./parts.js";

const ENGINES = { off: 0, on: 1, detectionOnly: 2 } as const;

/** Variables whose values are made anew whenever a rule asks: they cannot be looked at beforehand. */
const DYNAMIC = new Set(["TX", "IP", "GLOBAL", "SESSION", "USER", "RESOURCE", "RULE", "ENV", "MATCHED_VARS",
  "MATCHED_VARS_NAMES", "MATCHED_VAR",
  "MATCHED_VAR_NAME", "DURATION", "HIGHEST_SEVERITY", "REQBODY_PROCESSOR"]);

export interface Encoded {
  readonly sections: { tag: string; bytes: Uint8Array }[];
  readonly refused: Refusal[];
  /** Rules in the image, in order of evaluation. */
  readonly rules: readonly Rule[];
  readonly statistics: { readonly prefiltered: number; readonly byClasses: number; readonly always: number };
}

interface Options {
  readonly items: readonly Item[];
  readonly initial: ReadonlyMap<string, string>;
  readonly settings: Settings;
}

/** Writes the sections of an image. Rules whose operands are wrong are left out and listed. */
export function encode(options: Options): Encoded {
  const refused: Refusal[] = [];
  let { items } = options;
  for (;;) {
    const writer = new Writer({ ...options, items });
    try {
      return { ...writer.write(), refused };
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      refused.push({ id: error.rule.id, reason: error.reason.reason, ...error.reason.at });
      items = items.filter((item) => item !== error.rule);
    }
  }
}

class RuleError extends Error {
  constructor(
    readonly rule: Rule,
    readonly reason: SecLangError,
  ) {
    super(reason.message);
  }
}

class Writer extends EffectWriter {
  private readonly rules: Rule[];
  private readonly order = new Map<Item, number>();
  private readonly sets: [LiteralSet, LiteralSet] = [
    new LiteralSet(),
    new LiteralSet(),
  ];
  private readonly counts = { prefiltered: 0, byClasses: 0, always: 0 };
  private readonly always: number[] = [];
  /** Per phase, per target: chains and the items that look at them. */
  private readonly groups = new Map<number, Map<string, { exclusion: Exclusion; chains: Map<number, Job> }>>();

  constructor(private readonly options: Options) {
    super(Math.max(4, Math.ceil(options.items.filter(({ kind }) => kind === "rule").length / 128) * 4), options.initial);
    const rules = options.items.filter((item): item is Rule => item.kind === "rule");
    this.rules = [1, 2, 3, 4, 5].flatMap((phase) => rules.filter((rule) => rule.phase === phase));
    this.rules.forEach((rule, index) => this.order.set(rule, index));
    for (let i = 0; i < CAPTURES; i++) this.slot(String(i));
    for (const name of options.initial.keys()) this.slot(name);
  }

  write(): Omit<Encoded, "refused"> {
    const { out } = this;
    out.zeros(4 * HEADER.length).align(16);
    const header: Header = {};
    const items = this.rules.map((rule, index) => {
      try {
        return this.item(rule, index);
      } catch (error) {
        if (error instanceof RegexSyntaxError) throw new RuleError(rule, new SecLangError(error.message, rule.at));
        if (error instanceof SecLangError) throw new RuleError(rule, error);
        throw error;
      }
    });
    header.itemCount = items.length;
    header.items = out.align(16).length;
    for (const item of items) {
      out.u32(item.id).u32(item.links).u32(item.linkCount).u32(item.severity).u32(item.disruption).u32(item.status).u32(item.flags);
      out.u32(item.jump).u32(item.paranoia).u32(item.tag).u32(item.tagLength).u32(0);
    }
    for (let phase = 1; phase <= 5; phase++) {
      const first = this.rules.findIndex((rule) => rule.phase >= phase);
      header[`phase${phase}` as "phase1"] = first < 0 ? this.rules.length : first;
    }
    header.phaseEnd = this.rules.length;
    header.words = this.words;
    header.always = this.bitset(this.always);
    for (let phase = 1; phase <= 5; phase++) {
      const groups = this.writeGroups(this.groups.get(phase));
      header[`groups${phase}` as "groups1"] = groups.at;
      header[`groupCount${phase}` as "groupCount1"] = groups.count;
    }
    header.requestLiterals = this.writeLiteralItems(this.sets[0]);
    header.requestLiteralCount = this.sets[0].literals.length;
    header.responseLiterals = this.writeLiteralItems(this.sets[1]);
    header.responseLiteralCount = this.sets[1].literals.length;
    header.settings = this.writeSettings();
    this.writeSlots(header);
    const regexBytes = new ByteWriter(1 << 20);
    header.regexCount = this.regexList.length;
    header.regexes = out.align(16).length;
    for (const regex of this.regexList) {
      regexBytes.align(16);
      out.u32(regexBytes.length).u32(regex.program.length).u32(regex.minLength).u32(regex.groups);
      regexBytes.bytes(regex.program);
    }
    const phraseBytes = new ByteWriter(1 << 16);
    const lengths = this.phraseSets.map((set) => {
      const at = out.align(4).length;
      for (const length of set.lengths) out.u32(length);
      return at;
    });
    header.phraseCount = this.phraseSets.length;
    header.phrases = out.align(16).length;
    this.phraseSets.forEach((set, i) => {
      phraseBytes.align(16);
      out.u32(phraseBytes.length).u32(set.bytes.length).u32(lengths[i] ?? 0).u32(set.lengths.length);
      phraseBytes.bytes(set.bytes);
    });
    header.chainCount = this.chainList.length;
    header.chains = out.align(16).length;
    for (const chain of this.chainList) {
      out.u32(chain.parent).u32(chain.transformation).u64(chain.mask).u64(changing(chain.transformation));
      out.u32(chain.names).u32(chain.namesLength);
    }
    HEADER.forEach((name, i) => out.patchU32(4 * i, header[name] ?? 0));
    const sections = [
      { tag: TAGS.rules, bytes: out.finish() },
      { tag: TAGS.regexes, bytes: regexBytes.align(16).finish() },
      { tag: TAGS.phrases, bytes: phraseBytes.align(16).finish() },
      { tag: TAGS.requestLiterals, bytes: this.sets[0].encode() },
      { tag: TAGS.responseLiterals, bytes: this.sets[1].encode() },
    ];
    return { sections, rules: this.rules, statistics: this.counts };
  }

  private item(rule: Rule, index: number) {
    const links = rule.links.map((link) => this.link(link));
    const at = this.out.align(8).length;
    for (const link of links) this.writeLink(link);
    const prefiltered = this.prefilter(rule, index);
    const exclusionTag = rule.tags.find((tag) => /^paranoia-level\/\d$/.test(tag));
    const flags = (rule.log ? ITEM.log : 0) | (rule.auditLog ? ITEM.auditLog : 0) | (prefiltered ? ITEM.prefiltered : 0);
    const tag = rule.tags.find((name) => name.startsWith("attack-")) ?? "";
    return {
      id: rule.id, links: at, linkCount: links.length, severity: rule.severity, disruption: DISRUPTIONS[rule.disruption],
      status: rule.status, flags, jump: this.jump(rule), paranoia: Number(exclusionTag?.at(-1) ?? 0), tag: this.text(tag),
        tagLength: tag.length,
    };
  }

  /** Item to go on with when the rule matched. */
  private jump(rule: Rule): number {
    const { items } = this.options;
    const position = items.indexOf(rule);
    if (rule.skipAfter !== "") {
      const marker = items.findIndex((item, i) => i > position && item.kind === "marker" && item.name === rule.skipAfter);
      return marker < 0 ? NONE - 1 : this.next(items, marker, rule.phase);
    }
    if (rule.skip > 0) {
      let left = rule.skip + 1;
      for (const [i, item] of items.entries()) {
        if (i > position && item.kind === "rule" && item.phase === rule.phase &&
          --left === 0) return this.order.get(item) ?? NONE - 1;
      }
      return NONE - 1;
    }
    return NONE;
  }

  private next(items: readonly Item[], after: number, phase: number): number {
    const found = items.find((item, i) => i > after && item.kind === "rule" && item.phase === phase);
    return found === undefined ? NONE - 1 : (this.order.get(found) ?? NONE - 1);
  }

  private link(link: Link) {
    const chain = this.chain(link.transformations);
    const targets = link.targets.map((target) => this.target(target, target.count));
    const exclusions = link.exclusions.map((exclusion) => this.target(exclusion, false));
    const effects = link.effects.filter((effect) => effect.kind !== "ctl" || effect.ctl.option !== "ignored").map((effect) =>
      this.effect(effect));
    const operand = this.operand(link);
    const msg = this.macro(link.msg);
    const logdata = this.macro(link.logdata);
    const targetsAt = this.out.align(4).length;
    for (const write of [...targets, ...exclusions]) write();
    const effectsAt = this.out.align(4).length;
    for (const write of effects) write();
    const flags = (link.operator?.negated === true ? LINK.negated : 0) | (link.capture ? LINK.capture : 0) |
      (link.multiMatch ? LINK.multiMatch : 0) | (link.operator === undefined ? LINK.action : 0);
    return { chain, targetsAt, targets: targets.length, exclusions: exclusions.length, effectsAt, effects: effects.length,
      operand, msg, logdata, flags, link };
  }

  private writeLink(link: ReturnType<Writer["link"]>): void {
    const operator = link.link.operator;
    const masks = wantedClasses(link.link);
    const literals = wantedLiterals(link.link) !== undefined ? LINK.literals : 0;
    this.out.u32(link.targetsAt).u16(link.targets).u16(link.exclusions).u32(link.chain);
    this.out.u32(operator === undefined ? 0 : (OPERATORS[operator.name] ?? 0)).u32(link.flags | literals);
    this.out.u32(link.operand.kind).u32(link.operand.a).u32(link.operand.b).u32(link.operand.number).u32(link.effectsAt);
    this.out.u32(link.effects).u32(link.msg).u32(link.logdata).u32(0).u64(masks[0]).u64(masks[1]);
  }

  /** The operator's argument: text or macro, or the number of a regular expression, a phrase set, a table. */
  private operand(link: Link): { kind: number; a: number; b: number; number: number } {
    const { operator, at } = link;
    if (operator === undefined) return { kind: ARGUMENT.text, a: 0, b: 0, number: 0 };
    const constant = constantOf(operator.macro);
    switch (OPERATORS[operator.name]) {
      case OPERATORS.rx:
      case OPERATORS.verifycc:
      case OPERATORS.verifycpf:
      case OPERATORS.verifyssn:
      case OPERATORS.verifysvnr:
        return { kind: ARGUMENT.text, a: this.regex(operator.argument), b: 0, number: 0 };
      case OPERATORS.validatenid: {
        const match = /^(cl|us)\s+([\s\S]+)$/.exec(operator.argument);
        if (match === null) throw new SecLangError("validateNid takes cl or us, and a regular expression", at);
        return { kind: ARGUMENT.text, a: this.regex(match[2] ?? ""), b: 0, number: match[1] === "cl" ? 1 : 2 };
      }
      case OPERATORS.pm:
        return { kind: ARGUMENT.text, a: this.phraseSet(operator.phrases ?? []), b: 0, number: 0 };
      case OPERATORS.validatebyterange: {
        if (constant === undefined) throw new SecLangError("validateByteRange takes no variables", at);
        return { kind: ARGUMENT.text, a: this.table(byteRange(constant, at)), b: 32, number: 0 };
      }
      case OPERATORS.ipmatch: {
        const networks = (operator.phrases ?? []).map((written) => network(written, at));
        const bytes = new ByteWriter(networks.length * 20);
        for (const { address, prefix } of networks) bytes.bytes(address).u32(prefix);
        return { kind: ARGUMENT.text, a: this.table(bytes.finish()), b: networks.length, number: 0 };
      }
      default: {
        if (constant === undefined) return { kind: ARGUMENT.macro, a: this.macro(operator.macro), b: 0, number: 0 };
        // Larger ones are as large as the engine's numbers go.
        const number = Math.max(-0x8000_0000, Math.min(0x7fff_ffff, Number(/^\s*([+-]?\d{1,15})/.exec(constant)?.[1] ?? 0)));
        return { kind: ARGUMENT.text, a: this.text(constant), b: constant.length, number };
      }
    }
  }

  // ---- prefiltering

  /** Enters a rule into what is looked at before its phase; false when it has to be tried in any case. */
  private prefilter(rule: Rule, index: number): boolean {
    const link = rule.links[0];
    const literals = link === undefined ? undefined : wantedLiterals(link);
    const masks = link === undefined ? undefined : wantedClasses(link);
    const all = (1n << 64n) - 1n;
    const classes = masks !== undefined && (masks[0] !== all || masks[1] !== all);
    const fixed = link?.targets.every((target) => !target.count && !DYNAMIC.has(target.variable)) ?? false;
    if (link === undefined || !fixed || (literals === undefined && !classes)) {
      this.counts.always++;
      this.always.push(index);
      return false;
    }
    const inResponse = link.targets.some(({ variable }) => variable.startsWith("RESPONSE_"));
    const inRequest = link.targets.some(({ variable }) => !variable.startsWith("RESPONSE_"));
    if (literals !== undefined) {
      this.counts.prefiltered++;
      for (const [set, wanted] of [[this.sets[0], inRequest], [this.sets[1], inResponse]] as const) {
        if (wanted) for (const literal of literals) set.add(literal.bytes, index);
      }
    } else this.counts.byClasses++;
    const phase = this.groups.get(rule.phase) ?? new Map<string, { exclusion: Exclusion; chains: Map<number, Job> }>();
    this.groups.set(rule.phase, phase);
    const last = this.chain(link.transformations);
    const chains = link.multiMatch ? link.transformations.map((_, i) => this.chain(link.transformations.slice(0,
      i))).concat(last) : [last];
    for (const target of link.targets) {
      const key = JSON.stringify([target.variable, target.select]);
      const group = phase.get(key) ?? { exclusion: target, chains: new Map<number, Job>() };
      phase.set(key, group);
      for (const chain of new Set(chains)) {
        const job = group.chains.get(chain) ?? { items: [], classes: [] };
        group.chains.set(chain, job);
        if (literals !== undefined) job.items.push(index);
        else job.classes.push({ index, masks: masks ?? [all, all] });
      }
    }
    return true;
  }

  private writeGroups(groups: Map<string, { exclusion: Exclusion; chains: Map<number,
    Job> }> | undefined): { at: number; count: number } {
    const list = [...(groups?.values() ?? [])].map(({ exclusion, chains }) => {
      const write = this.target(exclusion, false);
      const targetAt = this.out.align(4).length;
      write();
      const jobs = [...chains].sort(([a], [b]) => a - b).map(([chain, job]) => {
        const mask = job.items.length === 0 ? 0 : this.bitset(job.items);
        const classesAt = this.out.align(8).length;
        for (const { index, masks } of job.classes) this.out.u32(index).u32(0).u64(masks[0]).u64(masks[1]);
        return { chain, mask, classesAt, classes: job.classes.length };
      });
      const jobsAt = this.out.align(4).length;
      for (const job of jobs) this.out.u32(job.chain).u32(job.mask).u32(job.classesAt).u32(job.classes);
      return { targetAt, jobsAt, count: jobs.length, response: exclusion.variable.startsWith("RESPONSE_") };
    });
    const at = this.out.align(4).length;
    for (const group of list) this.out.u32(group.targetAt).u32(group.jobsAt).u32(group.count).u32(group.response ? 1 : 0);
    return { at, count: list.length };
  }

  private writeLiteralItems(set: LiteralSet): number {
    const lists = set.items.map((items) => {
      const at = this.out.align(4).length;
      for (const item of items) this.out.u32(item);
      return { at, count: items.length };
    });
    const at = this.out.align(4).length;
    for (const list of lists) this.out.u32(list.at).u32(list.count);
    return at;
  }

  protected affected(ctl: Ctl): number[] {
    return this.rules.flatMap((rule, index) => (hits(ctl, rule) ? [index] : []));
  }

  private writeSettings(): number {
    const { settings } = this.options;
    const mimes = settings.responseMimeTypes.join(" ");
    const mimesAt = this.text(mimes);
    const at = this.out.align(4).length;
    this.out.u32(ENGINES[settings.engine]).u32(settings.requestBodyAccess ? 1 : 0).u32(settings.responseBodyAccess ? 1 : 0);
    this.out.u32(settings.requestBodyLimit).u32(settings.requestBodyNoFilesLimit).u32(settings.responseBodyLimit);
    this.out.u32(mimesAt).u32(mimes.length).u32(settings.argumentSeparator.charCodeAt(0)).u32(settings.argumentsLimit);
    this.out.u32(settings.collectionTimeout).u32(settings.jsonDepthLimit);
    return at;
  }
}

interface Job {
  readonly items: number[];
  readonly classes: { readonly index: number; readonly masks: readonly [bigint, bigint] }[];
}

