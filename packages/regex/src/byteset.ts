/** A set of bytes; never changed once it is part of a syntax tree. */
export class ByteSet {
  readonly words = new Uint32Array(8);

  static of(...bytes: readonly number[]): ByteSet {
    const set = new ByteSet();
    for (const byte of bytes) set.add(byte);
    return set;
  }

  static range(from: number, to: number): ByteSet {
    return new ByteSet().addRange(from, to);
  }

  add(byte: number): this {
    this.words[byte >> 5]! |= 1 << (byte & 31);
    return this;
  }

  addRange(from: number, to: number): this {
    for (let byte = from; byte <= to; byte++) this.add(byte);
    return this;
  }

  addAll(other: ByteSet): this {
    for (let i = 0; i < 8; i++) this.words[i]! |= other.words[i]!;
    return this;
  }

  has(byte: number): boolean {
    return ((this.words[byte >> 5]! >>> (byte & 31)) & 1) === 1;
  }

  not(): ByteSet {
    const set = new ByteSet();
    for (let i = 0; i < 8; i++) set.words[i] = ~this.words[i]!;
    return set;
  }

  and(other: ByteSet): ByteSet {
    const set = new ByteSet();
    for (let i = 0; i < 8; i++) set.words[i] = this.words[i]! & other.words[i]!;
    return set;
  }

  /** With both cases of each ASCII letter in it. */
  folded(): ByteSet {
    const set = new ByteSet().addAll(this);
    for (let lower = 97; lower <= 122; lower++) {
      if (this.has(lower)) set.add(lower - 32);
      if (this.has(lower - 32)) set.add(lower);
    }
    return set;
  }

  get size(): number {
    let count = 0;
    for (let byte = 0; byte < 256; byte++) if (this.has(byte)) count++;
    return count;
  }

  get isEmpty(): boolean {
    return this.words.every((word) => word === 0);
  }

  bytes(): number[] {
    const all: number[] = [];
    for (let byte = 0; byte < 256; byte++) if (this.has(byte)) all.push(byte);
    return all;
  }

  /** Equal sets have equal keys. */
  get key(): string {
    return this.words.join();
  }
}

export const ALL = ByteSet.range(0, 255);
export const NEWLINE = ByteSet.of(10);
export const NOT_NEWLINE = NEWLINE.not();
export const DIGIT = ByteSet.range(48, 57);
export const WORD = ByteSet.range(48, 57).addRange(65, 90).addRange(97, 122).add(95);
/** With the vertical tab, as PCRE2 has it. */
export const SPACE = ByteSet.range(9, 13).add(32);
export const HORIZONTAL = ByteSet.of(9, 32, 0xa0);
export const VERTICAL = ByteSet.range(10, 13).add(0x85);

const UPPER = ByteSet.range(65, 90);
const LOWER = ByteSet.range(97, 122);
const ALPHA = ByteSet.range(65, 90).addRange(97, 122);
const ALNUM = ByteSet.range(48, 57).addAll(ALPHA);
const GRAPH = ByteSet.range(33, 126);

/** POSIX classes in the C locale. */
export const POSIX: ReadonlyMap<string, ByteSet> = new Map([
  ["alpha", ALPHA],
  ["lower", LOWER],
  ["upper", UPPER],
  ["alnum", ALNUM],
  ["ascii", ByteSet.range(0, 127)],
  ["blank", ByteSet.of(9, 32)],
  ["cntrl", ByteSet.range(0, 31).add(127)],
  ["digit", DIGIT],
  ["graph", GRAPH],
  ["print", ByteSet.range(32, 126)],
  ["punct", GRAPH.and(ALNUM.not())],
  ["space", SPACE],
  ["word", WORD],
  ["xdigit", ByteSet.range(48, 57).addRange(65, 70).addRange(97, 102)],
]);
