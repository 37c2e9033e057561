/** The regular expression compiler and its engines: kind 0 is the pattern, 1 flags, 2 a subject. JavaScript's own is the model. */
import { compileRegex, RegexSyntaxError } from "@secuxflow/regex";
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import { textOf, textStep, type Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import type { Random } from "../random.js";

const KIND = { pattern: 0, flags: 1, subject: 2 } as const;
/** What means the same in both languages, as far as whether there is a match: no look-around, references, classes of classes. */
const SHARED = /^(?:[a-e.|()*+?^]|\[\^?[a-e]+(?:-e)?\]|\{\d,\d\}|\{\d\}|\\[dws]|\?:)*$/;
/** JavaScript's engine is exponential: its share is short. */
const [MODEL_PATTERN, MODEL_SUBJECT] = [30, 18];
/** Long subjects, for time: the subject again and again. */
const LONG = 65_536;
/** Steps a byte that any expression may take; beyond it is a limit to be told. */
const FLAGS = ["i", "s", "m", "x", "U", "A", "D"];

class RegexSubject implements Subject {
  constructor(private readonly wasm: Compiled) {
    wasm.call("setMemoryBudget", 256 << 20);
  }

  check(input: Input, reached: Reached): string | undefined {
    const pattern = input.find(({ kind }) => kind === KIND.pattern);
    if (pattern === undefined) return undefined;
    const flags = [...new Set(input.filter(({ kind }) => kind === KIND.flags).map(textOf).join(""))].filter((flag) => FLAGS.includes(flag)).join("");
    let regex: ReturnType<typeof compileRegex>;
    try {
      regex = compileRegex(pattern.bytes, flags);
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw error;
      reached(`refused ${error.message.replace(/\d+/g, "#").slice(0, 60)}`);
      return undefined;
    }
    const before = this.wasm.call("memoryTaken");
    const program = this.#put(regex.program);
    try {
      if (this.wasm.call("regexCheck", program, regex.program.length) !== 1) return "the engine refuses the compiler's program";
      reached(`${regex.linear} ${regex.groups} ${regex.anchored} ${regex.literals.kind} ${Math.min(20, regex.program.length >> 6)}`);
      for (const { bytes } of input.filter(({ kind }) => kind === KIND.subject)) {
        const wrong = this.#subject(program, regex, textOf(pattern), flags, bytes, reached);
        if (wrong !== undefined) return wrong;
      }
    } finally {
      this.wasm.call("regexReset");
      this.wasm.call("give", program);
    }
    const kept = this.wasm.call("memoryTaken") - before;
    return kept <= 0 ? undefined : `${kept} bytes are not given back`;
  }

  #put(bytes: Uint8Array): number {
    const at = this.wasm.call("take", Math.max(16, bytes.length));
    if (at === 0) throw new Error("no memory for the program");
    this.wasm.write(at, bytes);
    return at;
  }

  #run(call: string, program: number, subject: Uint8Array): boolean {
    const at = this.#put(subject);
    const found = this.wasm.call(call, program, at, subject.length, 0) === 1;
    this.wasm.call("give", at);
    return found;
  }

  #subject(program: number, regex: ReturnType<typeof compileRegex>, pattern: string, flags: string, bytes: Uint8Array, reached: Reached): string | undefined {
    const { wasm } = this;
    const found = this.#run("regexTest", program, bytes);
    const limited = wasm.call("regexLimited") === 1;
    if (limited && regex.linear) return "a linear expression came to the limit";
    const matched = this.#run("regexMatch", program, bytes);
    if (!limited && wasm.call("regexLimited") === 0 && matched !== found) return `regexTest says ${found}, regexMatch ${matched}`;
    if (matched) {
      const [start, end] = [wasm.call("regexStart"), wasm.call("regexEnd")];
      if (start > end || end > bytes.length) return `matches from ${start} to ${end} of ${bytes.length} bytes`;
      const captured = this.#run("regexCapture", program, bytes);
      if (wasm.call("regexLimited") === 0) {
        if (!captured) return "regexMatch matches, regexCapture does not";
        if (wasm.call("regexStart") !== start || wasm.call("regexEnd") !== end) {
          return `regexMatch finds ${start} to ${end}, regexCapture ${wasm.call("regexStart")} to ${wasm.call("regexEnd")}`;
        }
      }
    }
    reached(`${found} ${limited}`);
    const text = Buffer.from(bytes).toString("latin1");
    if (!limited && flags.replace(/[ism]/g, "") === "" && SHARED.test(pattern) && pattern.length <= MODEL_PATTERN && text.length <= MODEL_SUBJECT && /^[a-z\n ]*$/.test(text)) {
      let model: RegExp | undefined;
      try {
        model = new RegExp(pattern, flags);
      } catch {
        // Not an expression there.
      }
      if (model !== undefined && model.test(text) !== found) return `matches ${JSON.stringify(text)}: ${found}, JavaScript says ${!found}`;
    }
    if (bytes.length > 0 && regex.linear && bytes.length % 5 === 0) {
      const long = new Uint8Array(LONG);
      for (let at = 0; at < LONG; at += bytes.length) long.set(bytes.subarray(0, LONG - at), at);
      this.#run("regexTest", program, long);
      if (wasm.call("regexLimited") === 1) return "a linear expression came to the limit on 64 KB";
    }
    return undefined;
  }
}

function drawPattern(random: Random, depth: number): string {
  const atom = (): string => random.weighted<() => string>([
    [8, () => random.pick(["a", "b", "c", "d", "e"])], [2, () => "."], [2, () => random.pick(["[ab]", "[^a]", "[a-e]", "[^b-e]"])], [1, () => random.pick(["\\d", "\\w", "\\s"])],
    [depth > 0 ? 5 : 0, () => `(${random.chance(40) ? "?:" : ""}${drawPattern(random, depth - 1)})`],
  ])();
  const branch = (): string => Array.from({ length: random.below(4) + (random.chance(90) ? 1 : 0) }, () =>
    atom() + (random.chance(35) ? random.pick(["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}"]) : "")).join("");
  return Array.from({ length: random.chance(30) ? 2 : 1 }, branch).join("|");
}

const SEEDS: readonly (readonly [string, string, string])[] = [
  ["^(GET|POST)\\s+/[^?]*\\?", "i", "POST  /a?"], ["(?:a|ab)(?:c|bcd)(?:d*)", "", "abcd"], ["(?i)select.+from", "s", "seLect x\nfrom"], ["(\\w+)\\s+\\1", "", "a a"], ["(?<=x)y(?!z)", "", "xy"],
  ["\\b(?>a+)b", "", "aab"], ["[[:alpha:]]{3,}$", "m", "abc\n"], ["(?:(?:a?){10}){10}b", "", "aaaa"], ["\\x41\\u{42}?\\Q.*\\E", "", "A"], ["(?P<n>x)(?P=n)", "", "xx"],
  ["(?x) a b # c\n c", "", "abc"], ["a++b|(?R)?", "", "aab"], ["[^\\r\\n]{0,2000}x", "", "xx"], ["(a|b)*abb", "A", "aabb"],
];

export const regexTarget: TargetMaker = async () => {
  const make = await compileEntry("engine/regex/test-entry.ts");
  const input = (pattern: string, flags: string, ...subjects: readonly string[]): Input =>
    [textStep(KIND.pattern, pattern), ...(flags === "" ? [] : [textStep(KIND.flags, flags)]), ...subjects.map((subject) => textStep(KIND.subject, subject))];
  const words = ["(", ")", "[", "]", "(?:", "(?=", "(?<!", "(?i)", "(?-s)", "*", "+?", "{2,5}", "{1000}", "|", "\\b", "\\1", "\\x00", "[^", "[[:digit:]]", "\\pL", "^", "$", ".*", "\\G", "\\K", "(?|", "a", "\n"];
  return {
    name: "regex", seeds: SEEDS.map(([pattern, flags, subject]) => input(pattern, flags, subject)), words: words.map((word) => Uint8Array.from(Buffer.from(word))), kinds: [0, 1, 2, 2], most: 400, steps: 8,
    draw: (random) => input(drawPattern(random, 3), random.pick(["", "", "i", "s", "m"]),
      ...Array.from({ length: 3 }, () => Array.from({ length: random.below(16) }, () => random.pick(["a", "b", "c", "d", "e", "x", "\n"])).join(""))),
    fresh: () => new RegexSubject(make()),
  };
};
