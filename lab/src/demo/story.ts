/** A step of the story did not show what it should have. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
}

/** Tells a story step by step with the time of each; a step that fails ends it. */
export class Story {
  readonly #print: (line: string) => void;
  #number = 0;
  readonly steps: { readonly title: string; readonly ms: number }[] = [];

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** Runs one step. What it returns is shown behind its title. */
  async step(title: string, body: () => Promise<string>): Promise<void> {
    const number = ++this.#number;
    const began = performance.now();
    let shown;
    try {
      shown = await body();
    } catch (error) {
      this.#print(`${String(number).padStart(2)}. ✗ ${title}`);
      throw new StepFailed(`step ${number}, ${title}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const ms = performance.now() - began;
    this.steps.push({ title, ms });
    this.#print(`${String(number).padStart(2)}. ✓ ${title} ${".".repeat(Math.max(2, 66 - title.length))} ${ms.toFixed(0).padStart(5)} ms`);
    for (const line of shown.split("\n")) if (line !== "") this.#print(`      ${line}`);
  }
}

/** Ends a step that did not show what it should have. */
export function demand(condition: boolean, what: string): void {
  if (!condition) throw new StepFailed(what);
}
