/** Test only: writes raw BTF, the obvious way, as a model for the reader. */
export class BtfWriter {
  readonly #types: Buffer[] = [];
  #strings = Buffer.from([0]);

  #string(text: string): number {
    if (text === "") return 0;
    const at = this.#strings.length;
    this.#strings = Buffer.concat([this.#strings, Buffer.from(`${text}\0`)]);
    return at;
  }

  /** Adds a type with words that follow its header. @returns its id */
  add(name: string, kind: number, vlen: number, sizeOrType: number, words: number[] = [], kindFlag = false): number {
    const header = [this.#string(name), (kind << 24) | vlen | (kindFlag ? 1 << 31 : 0), sizeOrType];
    const type = Buffer.alloc(4 * (3 + words.length));
    [...header, ...words].forEach((word, index) => type.writeUInt32LE(word >>> 0, index * 4));
    this.#types.push(type);
    return this.#types.length;
  }

  int(name: string, size: number, encoding = 0): number {
    return this.add(name, 1, 0, size, [(encoding << 24) | (size * 8)]);
  }

  struct(name: string, size: number, members: { name: string; type: number; bitOffset: number; bitSize?: number }[], union = false): number {
    const flag = members.some((one) => one.bitSize !== undefined);
    return this.add(name, union ? 5 : 4, members.length, size, members.flatMap((one) =>
      [this.#string(one.name), one.type, flag ? ((one.bitSize ?? 0) << 24) | one.bitOffset : one.bitOffset]), flag);
  }

  array(element: number, count: number): number {
    return this.add("", 3, 0, 0, [element, 1, count]);
  }

  bytes(): Buffer {
    const types = Buffer.concat(this.#types);
    const header = Buffer.alloc(24);
    header.writeUInt16LE(0xeb9f, 0);
    header.writeUInt8(1, 2);
    [24, 0, types.length, types.length, this.#strings.length].forEach((word, index) => header.writeUInt32LE(word, 4 + index * 4));
    return Buffer.concat([header, types, this.#strings]);
  }
}
