import {
  AbiError,
  BATCH_MODULE_BIT,
  BatchReader,
  decodeFindings,
  ErrorCode,
  RECORD_DATA_LEN,
  sliceBatch,
} from "@secuxflow/inspect-abi";
import type { DecodedFindings, Finding, FindingLimits } from "@secuxflow/inspect-abi";
import type { RuleSet } from "@secuxflow/rule-image";
import { ModuleLied, ModuleRejected } from "./errors.js";
import { Guest } from "./guest.js";
import type { LogFunction } from "./guest.js";
import { defaultLimits, loadModule } from "./load-module.js";
import type { HostLimits, LoadedModule } from "./load-module.js";
import type { SelfTestVector } from "./manifest.js";

export interface InstanceOptions {
  /** Given to the module's `configure`: `key=value` lines. */
  readonly configure?: string | Uint8Array;
  /** Instead of the rules that the module brings along. */
  readonly rules?: RuleSet;
  readonly limits?: Partial<HostLimits>;
  readonly log?: LogFunction;
}

/** Counters since the instance was made. */
export interface InstanceStats {
  /** Calls of the module's `inspect`. */
  calls: number;
  records: number;
  findings: number;
  /** Findings that the module could not report for want of room. */
  findingsDropped: number;
  /** Records that a module could not take even one at a time. */
  recordsSkipped: number;
}

/** Flows since the instance was made. */
export interface FlowCounts {
  /** Whose content was read. */
  readonly read: number;
  /** Encrypted on the wire: nobody looked inside. */
  readonly encrypted: number;
  /** Of protocols that are not the module's. */
  readonly other: number;
}

export interface SelfTestResult {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly detail: string }[];
}

const FLUSH_ROUNDS = 10_000;
const COUNTERS_BYTES = 24;

const errorNames = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));
const describeCode = (code: number): string => errorNames.get(code) ?? `unknown code ${code}`;

/**
 * One running module. Not safe against endless loops: whoever calls it runs it in a worker with a watchdog. After
 * {@link ModuleTrapped} it is dead; after {@link ModuleLied} it runs, but there is no reason to trust it.
 */
export class ModuleInstance {
  readonly stats: InstanceStats = { calls: 0, records: 0, findings: 0, findingsDropped: 0, recordsSkipped: 0 };
  private ruleIds: ReadonlySet<number>;
  private loadedRules: RuleSet | undefined;
  private readonly limits: HostLimits;

  private constructor(
    readonly loaded: LoadedModule,
    private readonly guest: Guest,
    private readonly options: InstanceOptions,
  ) {
    this.limits = { ...defaultLimits, ...options.limits };
    this.ruleIds = new Set(loaded.manifest.rules.map(({ id }) => id));
  }

  /**
   * Loads (unless already done), instantiates and configures a module.
   * @throws ModuleRejected | ModuleTrapped | ModuleLied
   */
  static async create(source: Uint8Array | LoadedModule, options: InstanceOptions = {}): Promise<ModuleInstance> {
    const loaded = source instanceof Uint8Array ? loadModule(source, options.limits) : source;
    const guest = await Guest.start(loaded, options.log ?? (() => undefined));
    const instance = new ModuleInstance(loaded, guest, options);
    instance.configure(options.configure ?? "");
    const rules = options.rules ?? loaded.builtinRules;
    if (rules !== undefined) instance.loadRules(rules);
    return instance;
  }

  private configure(value: string | Uint8Array): void {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    if (!this.guest.has("configure")) {
      if (bytes.byteLength > 0) throw new ModuleRejected("bad-configuration", "the module takes no configuration");
      return;
    }
    const at = this.place("input", bytes);
    const code = this.guest.call("configure", at, bytes.byteLength);
    if (code < 0) throw new ModuleRejected("bad-configuration", `configure answered ${describeCode(code)}`);
  }

  /**
   * Gives the module rules, which it uses from the next batch on; flow state stays.
   * @throws ModuleRejected when the module takes no rules or refuses these: those before stay in force
   * @throws ModuleTrapped | ModuleLied
   */
  loadRules(rules: RuleSet): void {
    if (!this.guest.has("rules") || !this.guest.has("load")) throw new ModuleRejected("bad-rules", "the module takes no rules");
    const at = this.place("rules", rules.image);
    const code = this.guest.call("load", at, rules.image.byteLength);
    if (code < 0) throw new ModuleRejected("bad-rules", `load answered ${describeCode(code)}`);
    this.loadedRules = rules;
    // 0 is the engine itself.
    this.ruleIds = new Set([0, ...this.loaded.manifest.rules.map(({ id }) => id), ...rules.texts.keys()]);
  }

  /** The rules in force, for a module that takes any. */
  get ruleSet(): RuleSet | undefined {
    return this.loadedRules;
  }

  private place(call: "input" | "rules", bytes: Uint8Array): number {
    // Room for nothing is a question that a module may answer with "none".
    const room = Math.max(bytes.byteLength, 8);
    const at = this.guest.range(call, this.guest.call(call, room), room);
    this.guest.copyIn(at, bytes);
    return at;
  }

  /**
   * Lets the module inspect a batch: one copy in, one call, one checked copy out. A full output continues with the rest of
   * the batch, or halves it, so findings come in order and none is lost that a smaller batch could give.
   * @param batch bytes, which are validated here, or a reader that did it already
   * @param moduleBit mask with the module's bit; 0 makes it take every record
   * @returns findings; `recordIndex` counts in `batch`
   * @throws AbiError for a malformed batch, ModuleTrapped, ModuleLied
   */
  inspect(batch: Uint8Array | BatchReader, moduleBit = 0): Finding[] {
    const whole = batch instanceof BatchReader ? batch : new BatchReader(batch);
    const findings: Finding[] = [];
    // Ranges of records still to do, the next one last.
    const todo: { from: number; to: number }[] = [{ from: 0, to: whole.count }];
    for (let range = todo.pop(); range !== undefined; range = todo.pop()) {
      const { from, to } = range;
      const part = from === 0 && to === whole.count ? whole : new BatchReader(sliceBatch(whole, from, to));
      const output = this.callInspect(part, moduleBit >>> 0);
      if (output === "full") {
        const middle = from + ((to - from) >> 1);
        if (to - from > 1) todo.push({ from: middle, to }, { from, to: middle });
        else this.stats.recordsSkipped += to - from;
        continue;
      }
      for (const finding of output.findings)
        findings.push(from === 0 ? finding : { ...finding, recordIndex: finding.recordIndex + from });
      this.stats.findingsDropped += output.findingsDropped;
      if (output.recordsDone < part.count) {
        if (output.recordsDone === 0) throw new ModuleLied("inspect", "the output is full before the first record");
        todo.push({ from: from + output.recordsDone, to });
      }
    }
    this.stats.records += whole.count;
    this.stats.findings += findings.length;
    return findings;
  }

  private callInspect(batch: BatchReader, moduleBit: number): DecodedFindings | "full" {
    const { guest } = this;
    const length = batch.bytes.byteLength;
    const at = guest.range("input", guest.call("input", length), length);
    const copied = guest.copyIn(at, batch.bytes);
    new DataView(copied.buffer, copied.byteOffset).setUint32(BATCH_MODULE_BIT, moduleBit, true);
    this.stats.calls++;
    const written = guest.call("inspect", at, length);
    if (written === ErrorCode.OUTPUT_FULL) return "full";
    if (written < 0) throw new ModuleLied("inspect", `refused a well-formed batch: ${describeCode(written)}`);
    if (written > this.loaded.manifest.outputBytesMax) {
      throw new ModuleLied("inspect", `wrote ${written} bytes, its manifest says at most ${this.loaded.manifest.outputBytesMax}`);
    }
    return this.decode(written, {
      records: batch.count,
      dataLen: (index) => batch.view.getUint32(batch.recordAt(index) + RECORD_DATA_LEN, true),
    });
  }

  private decode(written: number, batch: Pick<FindingLimits, "records" | "dataLen">): DecodedFindings {
    const { guest } = this;
    const from = guest.range("output", guest.call("output"), written);
    const output = guest.copyOut(from, written);
    try {
      return decodeFindings(output, {
        ...batch,
        maxFindings: this.limits.findingsPerCallMax,
        maxAttributeBytes: this.limits.attributeBytesMax,
        knowsRule: (id) => this.ruleIds.has(id),
      });
    } catch (cause) {
      if (cause instanceof AbiError) throw new ModuleLied("inspect", cause.message, { cause });
      throw cause;
    }
  }

  /**
   * Ends every flow, as at the end of a capture, and gives what that still brings to light. `recordIndex` means nothing here:
   * the findings tell their addresses themselves.
   */
  flush(): Finding[] {
    if (!this.guest.has("flush")) return [];
    const findings: Finding[] = [];
    // A module whose output is full goes on in the next call; one that never ends is stopped.
    for (let round = 0; round < FLUSH_ROUNDS; round++) {
      const written = this.guest.call("flush");
      if (written < 0) throw new ModuleLied("flush", `answered ${describeCode(written)}`);
      const output = this.decode(written, { records: 1, dataLen: () => 0 });
      findings.push(...output.findings);
      this.stats.findingsDropped += output.findingsDropped;
      if (!output.full) return findings;
    }
    throw new ModuleLied("flush", `is not done after ${FLUSH_ROUNDS} calls`);
  }

  /** Lets time pass in a module that has `tick`. */
  tick(nowMs: number): void {
    if (this.guest.has("tick")) this.guest.call("tick", nowMs);
  }

  /** Flows that the module has seen, where it tells. @throws ModuleTrapped | ModuleLied */
  flows(): FlowCounts | undefined {
    if (!this.guest.has("counters")) return undefined;
    const at = this.guest.range("counters", this.guest.call("counters"), COUNTERS_BYTES);
    const counters = this.guest.copyOut(at, COUNTERS_BYTES);
    const view = new DataView(counters.buffer, counters.byteOffset);
    const count = (index: number): number => Number(view.getBigUint64(index * 8, true));
    return { read: count(0), encrypted: count(1), other: count(2) };
  }

  /** Bytes of the module's memory now, and at most. */
  get memory(): { readonly bytes: number; readonly maxBytes: number } {
    return { bytes: this.guest.memoryBytes, maxBytes: this.loaded.memoryPages.max * 65_536 };
  }

  /**
   * Runs self-tests, each in a fresh instance so that this one's state stays as it is.
   * @param vectors by default those embedded in the module
   */
  async selfTest(vectors: readonly SelfTestVector[] = this.loaded.selfTests): Promise<SelfTestResult> {
    const failures: { name: string; detail: string }[] = [];
    for (const { name, batch, rules } of vectors) {
      try {
        // By the rules that the vectors were made for.
        const { rules: _others, ...options } = this.options;
        const instance = await ModuleInstance.create(this.loaded, options);
        const found = instance
          .inspect(Buffer.from(batch, "hex"))
          .map(({ ruleId }) => ruleId)
          .sort((a, b) => a - b);
        const wanted = [...rules].sort((a, b) => a - b);
        if (found.join() !== wanted.join())
          failures.push({ name, detail: `found rules [${found.join(", ")}], expected [${wanted.join(", ")}]` });
      } catch (error) {
        failures.push({ name, detail: error instanceof Error ? error.message : String(error) });
      }
    }
    return { passed: vectors.length - failures.length, failures };
  }
}
