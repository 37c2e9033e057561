/** What is wrong right now, by a key each; reported in status and health. */
export class Problems {
  readonly #current = new Map<string, string>();
  readonly #onChange: (key: string, problem: string | undefined) => void;

  constructor(onChange: (key: string, problem: string | undefined) => void) {
    this.#onChange = onChange;
  }

  /** Sets a problem, or ends it with undefined. Only changes are told. */
  set(key: string, problem: string | undefined): void {
    if (this.#current.get(key) === problem) return;
    if (problem === undefined) this.#current.delete(key);
    else this.#current.set(key, problem);
    this.#onChange(key, problem);
  }

  list(): string[] {
    return [...this.#current.values()];
  }
}
