/** The whole modules: frames of real sessions, changed. No trap, sound findings, all flows' memory given back, and batches of any size find the same. */
import { BatchBuilder, decodeFindings, dissectFrame } from "@secuxflow/inspect-abi";
import { openRuleSet } from "@secuxflow/rule-image";
import { compileSecLang } from "@secuxflow/seclang";
import { compileSuricata } from "@secuxflow/suricata-rules";
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import type { Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { firstDifference, hashOf } from "./conversation.js";
import { captureSeeds, packetSeeds, sessionSeeds } from "./frame-seeds.js";
import { ipsRules, load } from "./rules.js";
import { SECLANG } from "./seclang-seeds.js";
import { WORDS } from "./words.js";

const START_NS = 1_767_225_600_000_000_000n;
/** What tables that outlive flows (thresholds, host bits) may grow to in one run of an instance. */
const SLACK_BYTES = 2 << 20;
/** One input in so many is inspected twice more, in batches of different sizes. */
const COMPARED = 12;

/** A module with rules, driven without the host. */
export class Driver {
  readonly baseline: number;
  #time = START_NS;

  constructor(readonly wasm: Compiled, configure: string, image: Uint8Array) {
    const lines = Buffer.from(configure);
    const at = wasm.call("input", Math.max(lines.length, 1));
    wasm.write(at, lines);
    if (wasm.call("configure", at, lines.length) !== 0) throw new Error(`the module refuses ${configure}`);
    if (load(wasm, openRuleSet(image).image) !== 0) throw new Error("the module refuses its rules");
    this.inspect([], 1);
    this.baseline = wasm.call("memoryTaken");
  }

  /** Findings as "rule severity flags", in batches of `size` frames. */
  inspect(frames: Input, size: number): string[] {
    const found: string[] = [];
    for (let at = 0; at === 0 || at < frames.length; at += size) this.#batch(frames.slice(at, at + size), found);
    return found;
  }

  #batch(frames: Input, found: string[]): void {
    const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: Math.max(1, frames.length), maxBytes: 4 << 20 });
    builder.setTimeBase(this.#time);
    frames.forEach(({ bytes }, i) => builder.append({ ...dissectFrame(bytes), timeDeltaNs: i * 1_000_000, modules: 1 }, bytes));
    this.#time += BigInt(frames.length) * 1_000_000n;
    let records = frames.length;
    const { wasm } = this;
    const batch = builder.finish();
    const at = wasm.call("input", batch.length);
    if (at === 0) throw new Error(`no room for ${batch.length} bytes`);
    wasm.write(at, batch);
    const decoded = this.#decode(wasm.call("inspect", at, batch.length), records);
    records = decoded;
    found.push(...this.#last);
  }

  #last: string[] = [];

  #decode(written: number, records: number): number {
    const { wasm } = this;
    if (written < 0) throw new Error(`the module answers ${written}`);
    const { findings, recordsDone } = decodeFindings(wasm.read(wasm.call("output"), written), { records, maxFindings: 65_536, maxAttributeBytes: 163_840 });
    for (const { attributes } of findings) {
      if (typeof attributes.eve === "string") JSON.parse(attributes.eve);
    }
    this.#last = findings.map(({ ruleId, severity, dropped, noAlert }) => `${ruleId} ${severity} ${dropped ? "d" : ""}${noAlert ? "n" : ""}`);
    return recordsDone;
  }

  /** Ends all flows; what was found by it. */
  end(): string[] {
    const found: string[] = [];
    this.#time += 3_600_000_000_000n;
    for (let round = 0; round < 1_000; round++) {
      const written = this.wasm.call("flush");
      this.#decode(written, 1);
      found.push(...this.#last);
      if (this.wasm.bytes()[this.wasm.call("output") + 16] === 0) break;
    }
    this.wasm.call("defragClear");
    return found;
  }

  get kept(): number {
    return this.wasm.call("memoryTaken") - this.baseline;
  }
}

class ModuleSubject implements Subject {
  readonly #driver: Driver;

  constructor(private readonly fresh: () => Driver) {
    this.#driver = fresh();
  }

  check(input: Input, reached: Reached): string | undefined {
    const frames = input.filter(({ bytes }) => bytes.length > 0);
    const found = [...this.#driver.inspect(frames, 64), ...this.#driver.end()];
    for (const finding of found) reached(finding);
    reached(`${Math.min(found.length, 40)}`);
    if (this.#driver.kept > SLACK_BYTES) return `${this.#driver.kept} bytes are kept after all flows have ended`;
    if (hashOf(input) % COMPARED !== 0) return undefined;
    const run = (size: number): string[] => {
      const driver = this.fresh();
      return [...driver.inspect(frames, size), ...driver.end()];
    };
    const difference = firstDifference(run(Math.max(1, frames.length)), run(1));
    return difference === undefined ? undefined : `the size of batches changes ${difference}`;
  }
}

const moduleTarget = (name: string, entry: string, configure: string, image: () => Uint8Array): TargetMaker => async () => {
  const make = await compileEntry(entry);
  const rules = image();
  const seeds = [...sessionSeeds(), ...packetSeeds(), ...captureSeeds()];
  return { name, seeds, words: WORDS.frames ?? [], kinds: [0], most: 60_000, steps: 60, fresh: () => new ModuleSubject(() => new Driver(make(), configure, rules)) };
};

export const ipsTarget = moduleTarget("ips", "engine/detect/fuzz-entry.ts", "flows=256\nmidstream=1\n", () => ipsImage());
export const wafTarget = moduleTarget("waf", "engine/seclang/fuzz-entry.ts", "midstream=1\n", () => wafImage());

/** The rules that come with ips. */
export const ipsImage = (): Uint8Array => compileSuricata([{ name: "ips.rules", text: ipsRules().join("\n") }]).image;

/** A small rule set in the shapes of the large ones. */
export const wafImage = (): Uint8Array => compileSecLang(SECLANG.map((text, i) => ({ name: `${i}.conf`, text })), { read: () => undefined }).image;
