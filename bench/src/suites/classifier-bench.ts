import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";
import { BpfObject, possibleCpus, readObjectSpec, structLayoutOf, type BpfMap, type BpfProgram } from "libbpf-ts";
import { imageBuilder, type ImageInfo } from "../agent-code.js";
import { encodeRules } from "../rules/encode.js";
import { FirstMatch } from "../rules/first-match.js";
import { frameOf, traceBytes, TRACE_FRAMES } from "../rules/frames.js";
import { UDP, type BenchRule, type Flow } from "../rules/rule.js";
import type { Runner } from "./sandwich.js";

const OBJECT = join(repoRoot(), "bpf/build/bench_classifier.bpf.o");
/** Memory that the agent's image builder may fill at most. */
const MOST_IMAGE_BYTES = 256 << 20;
/** Bytes behind an image that masked look-ups may read (IMAGE_PAD of bpf/include/image.h). */
const IMAGE_PAD = 64;
const BUILDS = 3;
/** Packets of a trace whose rule is compared one by one; of the others only their number is. */
const COMPARED = 256;
const MACS = { src: "02:00:00:00:b0:01", dst: "02:00:00:00:b0:02" };

/** Programs of bpf/src/bench_classifier.bpf.c. */
type ProgramName = "empty" | "parse_only" | "classify_trace" | "linear_trace";

/** The packet that test runs begin with: long enough for every frame of a trace. */
export const ANY_FRAME = frameOf({ src: 0x0a000001, dst: 0x0a000002, sport: 1_024, dport: 53, proto: UDP }, MACS);

/** Puts frames into a map of TRACE_SLOT bytes an element. */
export const fillTrace = (map: BpfMap, flows: readonly Flow[]): void => { new Uint8Array(map.mmap()).set(traceBytes(flows, MACS)); };

/** A program disagrees with the model: there is no point in a number then. */
export class WrongVerdicts extends Error {
  override readonly name = "WrongVerdicts";
}

/** The classifier's programs with rules in their image. */
export class ClassifierBench implements Disposable {
  readonly #oracle: FirstMatch;
  readonly #idOffset: number;

  private constructor(
    private readonly object: BpfObject, readonly image: ImageInfo, readonly buildMs: readonly number[], private readonly rules: readonly BenchRule[],
    readonly linear: boolean,
  ) {
    this.#oracle = new FirstMatch(rules);
    this.#idOffset = structLayoutOf(object.spec, "result").members.find(({ name }) => name === "id")?.offset ?? 0;
  }

  /** Builds the image of the rules and loads the programs. `linearMost`: rules up to which the linear scan is there, too. */
  static async open(rules: readonly BenchRule[], linearMost: number): Promise<ClassifierBench> {
    const { buildImage } = await imageBuilder();
    const entries = encodeRules(readObjectSpec(OBJECT), rules);
    const target = new Uint8Array(MOST_IMAGE_BYTES);
    const builds = Array.from({ length: BUILDS }, () => buildImage({ bytes: entries, count: rules.length }, target));
    const [image] = builds.slice(-1);
    if (image === undefined) throw new RangeError("no image was built");
    const object = BpfObject.open(OBJECT);
    const size = 2 ** Math.ceil(Math.log2(image.bytes + IMAGE_PAD));
    for (const name of ["image_0", "image_1", "image_2", "images"]) object.setMapValueSize(name, size);
    const linear = rules.length <= linearMost;
    object.setGlobal("image_mask", size - 1).setMapMaxEntries("linear", (linear ? rules.length : 1) + 1).setMapMaxEntries("flow_cache", possibleCpus()).load();
    new Uint8Array(object.map("image_0").mmap()).set(target.subarray(0, image.bytes));
    if (linear) {
      const map = object.map("linear");
      new Uint8Array(map.mmap()).set(entries, map.valueSize); // element 0 is a head
      object.setGlobal("linear_rules", rules.length);
    }
    return new ClassifierBench(object, image, builds.map(({ milliseconds }) => milliseconds), rules, linear);
  }

  /** A program with its switches: `cache`, the flow cache in front; `flood`, every packet a new flow. */
  runner(name: ProgramName, { cache = false, flood = false } = {}): Runner {
    const program = this.object.program(name);
    return {
      run: (repeat) => {
        this.object.setGlobal("use_cache", cache).setGlobal("flood", flood);
        return program.testRun({ data: ANY_FRAME, repeat, dataOutSize: 0 }).durationNs;
      },
    };
  }

  /** Puts a trace in place and compares the verdicts of every program on it with a model's. @throws {WrongVerdicts} */
  useTrace(flows: readonly Flow[]): void {
    if (flows.length !== TRACE_FRAMES) throw new RangeError(`a trace has ${TRACE_FRAMES} packets`);
    fillTrace(this.object.map("trace"), flows);
    const expected = flows.map((flow) => this.#oracle.find(flow) + 1);
    this.#check("classify_trace", false, expected);
    this.#check("classify_trace", true, expected);
    if (this.linear) this.#check("linear_trace", false, expected);
  }

  #check(name: ProgramName, cache: boolean, expected: readonly number[]): void {
    const what = `${name}${cache ? " with the cache" : ""} and ${this.rules.length} rules`;
    this.object.setGlobal("position", 0).setGlobal("hits", 0);
    this.runner(name, { cache }).run(TRACE_FRAMES);
    const [hits, wanted] = [Number(this.object.getGlobalInteger("hits")), expected.filter((id) => id > 0).length];
    if (hits !== wanted) throw new WrongVerdicts(`${what}: ${hits} packets of the trace matched, ${wanted} should`);
    this.object.setGlobal("keep_result", 1);
    for (let slot = 0; slot < TRACE_FRAMES; slot += TRACE_FRAMES / COMPARED) {
      this.object.setGlobal("position", slot);
      this.program(name).testRun({ data: ANY_FRAME });
      const found = this.object.getGlobal("result").readUInt32LE(this.#idOffset);
      if (found !== expected[slot]) throw new WrongVerdicts(`${what}: packet ${slot} of the trace matched rule ${found}, should be ${expected[slot] ?? 0}`);
    }
    this.object.setGlobal("keep_result", 0);
  }

  private program(name: ProgramName): BpfProgram {
    return this.object.program(name);
  }

  close(): void {
    this.object.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
