// The engine, loaded with programs made by packages/regex.
import { compileRegex, type CompiledRegex } from "@secuxflow/regex";
import type { Compiled } from "../../testing/compile.js";

export interface Found {
  readonly start: number;
  readonly end: number;
  /** Start and end of each group, group 0 first; undefined for those that took no part. */
  readonly groups: readonly ([number, number] | undefined)[];
  readonly limited: boolean;
}

/** Calls of the engine on subjects given as strings with one character per byte. */
export class Engine {
  constructor(readonly wasm: Compiled) {
    wasm.call("setMemoryBudget", 512 << 20);
  }

  private put(bytes: Uint8Array): number {
    const at = this.wasm.call("take", Math.max(16, bytes.length));
    if (at === 0) throw new Error("no memory");
    this.wasm.write(at, bytes);
    return at;
  }

  load(pattern: string, flags = ""): { readonly at: number; readonly regex: CompiledRegex } {
    const regex = compileRegex(pattern, flags);
    const at = this.put(regex.program);
    if (this.wasm.call("regexCheck", at, regex.program.length) !== 1) throw new Error(`the program of ${pattern} is refused`);
    return { at, regex };
  }

  /** Gives a program's memory back; caches of it must not be used after, so all are dropped. */
  unload(at: number): void {
    this.wasm.call("regexReset");
    this.wasm.call("give", at);
  }

  private on(call: string, program: number, subject: string | Uint8Array, from: number): boolean {
    const bytes = typeof subject === "string" ? Buffer.from(subject, "latin1") : subject;
    const at = this.put(bytes);
    const found = this.wasm.call(call, program, at, bytes.length, from) === 1;
    this.wasm.call("give", at);
    return found;
  }

  test(program: number, subject: string | Uint8Array, from = 0): boolean {
    return this.on("regexTest", program, subject, from);
  }

  match(program: number, subject: string | Uint8Array, from = 0): readonly [number, number] | undefined {
    return this.on("regexMatch", program, subject, from) ? [this.wasm.call("regexStart"), this.wasm.call("regexEnd")] : undefined;
  }

  capture(program: number, subject: string | Uint8Array, from = 0): Found | undefined {
    if (!this.on("regexCapture", program, subject, from)) return undefined;
    const groups = Array.from({ length: this.wasm.call("regexGroups") }, (_, n): [number, number] | undefined => {
      const start = this.wasm.call("regexGroupStart", n) >>> 0;
      return start === 0xffffffff ? undefined : [start, this.wasm.call("regexGroupEnd", n)];
    });
    return { start: this.wasm.call("regexStart"), end: this.wasm.call("regexEnd"), groups, limited: this.limited };
  }

  get limited(): boolean {
    return this.wasm.call("regexLimited") === 1;
  }

  get steps(): number {
    return Number(this.wasm.call64("regexSteps"));
  }

  limits(cacheBytes: number, programBytes: number, steps: number): void {
    this.wasm.call("regexSetLimits", cacheBytes, programBytes, steps);
  }
}
