import {
  AbiError,
  BATCH_MODULE_BIT,
  BatchReader,
  decodeFindings,
  ErrorCode,
  RECORD_DATA_LEN,
  sliceBatch,
} from "@secuxflow/inspect-abi";
import type { Finding } from "@secuxflow/inspect-abi";
import { ModuleLied, ModuleRejected } from "./errors.js";
import { Guest } from "./guest.js";
import type { LogFunction } from "./guest.js";
import { defaultLimits, loadModule } from "./load-module.js";
import type { HostLimits, LoadedModule } from "./load-module.js";
import type { SelfTestVector } from "./manifest.js";

export interface InstanceOptions {
  /** Given to the module's `configure`: `key=value` lines. */
  readonly configure?: string | Uint8Array;
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

export interface SelfTestResult {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly detail: string }[];
}

const errorNames = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));
const describeCode = (code: number): string => errorNames.get(code) ?? `unknown code ${code}`;

/**
 * One running module. Not safe against endless loops: whoever calls it runs it in a worker with a watchdog. After
 * {@link ModuleTrapped} it is dead; after {@link ModuleLied} it runs, but there is no reason to trust it.
 */
export class ModuleInstance {
  readonly stats: InstanceStats = { calls: 0, records: 0, findings: 0, findingsDropped: 0, recordsSkipped: 0 };
  private readonly rules: ReadonlySet<number>;
  private readonly limits: HostLimits;

  private constructor(
    readonly loaded: LoadedModule,
    private readonly guest: Guest,
    private readonly options: InstanceOptions,
  ) {
    this.limits = { ...defaultLimits, ...options.limits };
    this.rules = new Set(loaded.manifest.rules.map(({ id }) => id));
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

  private place(call: string, bytes: Uint8Array): number {
    const at = this.guest.range(call, this.guest.call("input", bytes.byteLength), bytes.byteLength);
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

  private callInspect(batch: BatchReader, moduleBit: number): ReturnType<typeof decodeFindings> | "full" {
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
    const from = guest.range("output", guest.call("output"), written);
    const output = guest.copyOut(from, written);
    try {
      return decodeFindings(output, {
        records: batch.count,
        maxFindings: this.limits.findingsPerCallMax,
        maxAttributeBytes: this.limits.attributeBytesMax,
        dataLen: (index) => batch.view.getUint32(batch.recordAt(index) + RECORD_DATA_LEN, true),
        knowsRule: (id) => this.rules.has(id),
      });
    } catch (cause) {
      if (cause instanceof AbiError) throw new ModuleLied("inspect", cause.message, { cause });
      throw cause;
    }
  }

  /** Lets time pass in a module that has `tick`. */
  tick(nowMs: number): void {
    if (this.guest.has("tick")) this.guest.call("tick", nowMs);
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
        const instance = await ModuleInstance.create(this.loaded, this.options);
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
