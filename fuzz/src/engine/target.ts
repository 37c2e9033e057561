/** What can be fuzzed, as the campaign sees it. */
import type { Random } from "../random.js";
import type { Input } from "./input.js";
import type { Material } from "./mutate.js";

/** Tells that an input reached something; inputs that reach something new are kept to go on from. */
export type Reached = (what: string) => void;

/** One instance of what is fuzzed. After a failure it is thrown away. */
export interface Subject {
  /**
   * Feeds the input and compares with what must be.
   * @returns what is wrong; an exception is a crash
   */
  check(input: Input, reached: Reached): string | undefined | Promise<string | undefined>;
}

export interface Target extends Material {
  readonly name: string;
  /** Inputs to start from; none of them fails. */
  readonly seeds: readonly Input[];
  /** Inputs that are drawn rather than changed, for targets with a grammar or a plan. */
  readonly draw?: (random: Random) => Input;
  /** A fresh instance. */
  readonly fresh: () => Subject | Promise<Subject>;
}

/** Makes a target ready: compiles its parts, collects its seeds. */
export type TargetMaker = () => Promise<Target>;

/** Milliseconds that one input may take; what needs longer hangs. */
export const HANG_MS = 5_000;
