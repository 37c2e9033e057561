import type { BitSets } from "./bit-sets.js";
import type { ImageWriter } from "./writer.js";

/** Number of the set that stands for "every tuple": what a port gets if there are more kinds than 16 bits can name. */
const LARGEST = 0xffff;

/**
 * For each port the set of tuples with a rule that takes it, written as pages of 256 ports of which equal ones are kept once.
 * @param low, high bounds of the rules, @param tuples their tuples
 * @param fallback index of the set of all tuples
 * @returns offset of the pages
 */
export function writePorts(low: Uint16Array, high: Uint16Array, tuples: Uint16Array, sets: BitSets, fallback: number, writer: ImageWriter): number {
  const pages = new Uint16Array(65536);
  let from = 0;
  sweep(low, high, tuples, sets.width, (port, words) => {
    const set = sets.intern(words);
    pages.fill(set > LARGEST ? fallback : set, from, port);
    from = port;
  });
  return writePages(pages, writer);
}

/** Calls `run` with the end (not included) and the set of each run of ports that the same tuples take. */
function sweep(low: Uint16Array, high: Uint16Array, tuples: Uint16Array, width: number, run: (end: number, words: Uint32Array) => void): void {
  const changes = new Map<number, Map<number, number>>();
  const change = (port: number, tuple: number, by: number): void => {
    let at = changes.get(port);
    if (at === undefined) changes.set(port, at = new Map<number, number>());
    at.set(tuple, (at.get(tuple) ?? 0) + by);
  };
  for (let i = 0; i < low.length; i++) {
    change(low[i]!, tuples[i]!, 1);
    if (high[i]! < 0xffff) change(high[i]! + 1, tuples[i]!, -1);
  }
  const open = new Uint32Array(width * 32);
  const words = new Uint32Array(width);
  for (const port of [...changes.keys()].sort((a, b) => a - b)) {
    if (port > 0) run(port, words);
    for (const [tuple, by] of changes.get(port)!) {
      open[tuple]! += by;
      const bit = 1 << (tuple & 31);
      words[tuple >>> 5] = open[tuple] === 0 ? words[tuple >>> 5]! & ~bit : words[tuple >>> 5]! | bit;
    }
  }
  run(65536, words);
}

function writePages(ports: Uint16Array, writer: ImageWriter): number {
  const known = new Map<string, number>();
  const numbers = new Uint16Array(256);
  const kept: Uint16Array[] = [];
  for (let page = 0; page < 256; page++) {
    const part = ports.subarray(page * 256, page * 256 + 256);
    const key = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("latin1");
    const number = known.get(key) ?? kept.push(part) - 1;
    known.set(key, number);
    numbers[page] = number;
  }
  const offset = writer.take(512 + kept.length * 512, 64);
  writer.u16.set(numbers, offset / 2);
  for (const [i, part] of kept.entries()) writer.u16.set(part, offset / 2 + 256 + i * 256);
  return offset;
}
