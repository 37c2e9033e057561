import { AddressError, formatPrefix, parsePrefix, POLICY_LIMITS, ProblemError } from "@secuxflow/contracts";

/** Bytes of a body of lines: as many entries as a set holds, of the longest kind, with some room for comments. */
export const LINES_LIMIT_BYTES = 64 * 1024 * 1024;
const MAX_FAULTS = 50;
const MAX_LINE = 1_024;

const OCTET = "(0|[1-9]\\d{0,2})";
const IPV4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}(?:/([12]?\\d|3[0-2]))?$`);

/** Canonical text of an address or prefix; the short way for IPv4, since there may be a million. @throws AddressError */
export function canonicalEntry(text: string): string {
  const found = IPV4.exec(text);
  if (!found) return formatPrefix(parsePrefix(text));
  const [, a, b, c, d, length = "32"] = found;
  const octets = [Number(a), Number(b), Number(c), Number(d)];
  const bits = 32 - Number(length);
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  // What is wrong with it the long way says best.
  if (octets.some((octet) => octet > 255) || address % 2 ** bits !== 0) return formatPrefix(parsePrefix(text));
  return bits === 0 ? octets.join(".") : `${octets.join(".")}/${length}`;
}

/** A request body of one address or prefix a line, read as it arrives. */
export class EntryLines {
  readonly #entries = new Set<string>();
  readonly #faults: { field: string; message: string }[] = [];
  #rest = "";
  #line = 0;
  #full = false;

  /** Canonical, none twice, in the order of the lines. */
  get entries(): string[] {
    return [...this.#entries];
  }

  /** A piece of the text; lines may run over its border. */
  write(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, MAX_LINE + 1); // what is longer is a fault anyway
    for (const line of lines) this.#take(line);
  }

  /** The text is over. @throws ProblemError that names every line at fault; nothing of it is to be used then */
  end(): this {
    if (this.#rest !== "") this.#take(this.#rest);
    this.#rest = "";
    const [fault] = this.#faults;
    if (fault) {
      const more = this.#faults.length === 1 ? "" : `, and ${this.#faults.length - 1} more`;
      throw new ProblemError("invalid_input", `entries are not valid: ${fault.field}: ${fault.message}${more}`, {
        errors: this.#faults,
      });
    }
    return this;
  }

  #take(raw: string): void {
    this.#line += 1;
    if (this.#full || this.#faults.length >= MAX_FAULTS) return;
    // Blocklists carry remarks behind # or ;.
    const text = raw.replace(/[#;].*$/s, "").trim();
    if (text === "") return;
    const wrong = (message: string) => this.#faults.push({ field: `line ${this.#line}`, message });
    if (raw.length > MAX_LINE) {
      wrong(`a line is at most ${MAX_LINE} characters long`);
    } else if (this.#entries.size >= POLICY_LIMITS.setEntries) {
      wrong(`a set holds ${POLICY_LIMITS.setEntries} entries at most: join prefixes, or use several sets`);
      this.#full = true; // and so would be every line that follows
    } else {
      try {
        this.#entries.add(canonicalEntry(text));
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
        wrong(error.message);
      }
    }
  }
}

/** Reads a stream of lines (UTF-8). @throws ProblemError invalid_input, body_too_large */
export async function readEntryLines(body: AsyncIterable<Buffer | string>, limitBytes = LINES_LIMIT_BYTES): Promise<EntryLines> {
  const lines = new EntryLines();
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const part of body) {
    const buffer = typeof part === "string" ? Buffer.from(part) : part;
    bytes += buffer.length;
    if (bytes > limitBytes)
      throw new ProblemError("body_too_large", `the body is larger than ${limitBytes / 1024 / 1024} MiB`, { next: "send less at once" });
    lines.write(decoder.decode(buffer, { stream: true }));
  }
  lines.write(decoder.decode());
  return lines.end();
}
