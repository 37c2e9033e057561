/** Keeps the last lines that a process wrote, for error messages; bounded in lines and in characters a line. */
export class LogTail {
  readonly #lines: string[] = [];
  readonly #open = new Map<string, string>();

  constructor(
    private readonly maxLines = 200,
    private readonly maxLineLength = 2_000,
  ) {}

  /** Adds text of one stream (stdout, stderr), which may begin and end in the middle of a line. */
  add(text: string, stream = "out"): void {
    const parts = ((this.#open.get(stream) ?? "") + text).split("\n");
    this.#open.set(stream, (parts.pop() ?? "").slice(0, this.maxLineLength));
    this.#lines.push(...parts.map((line) => line.slice(0, this.maxLineLength)));
    if (this.#lines.length > this.maxLines) this.#lines.splice(0, this.#lines.length - this.maxLines);
  }

  /** The lines kept, oldest first, unfinished ones last. */
  lines(): string[] {
    return [...this.#lines, ...[...this.#open.values()].filter((line) => line !== "")];
  }

  toString(): string {
    return this.lines().join("\n");
  }
}
