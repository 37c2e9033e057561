/** Random numbers that are the same in every run (mulberry32; public domain, T. Ettinger). */
export class Random {
  constructor(private state: number) {}

  /** 0 to below 2^32. */
  u32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + (this.u32() % (to - from + 1));
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.u32() % items.length];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  bytes(length: number): Buffer {
    const out = Buffer.allocUnsafe(length);
    let i = 0;
    for (; i + 4 <= length; i += 4) out.writeUInt32LE(this.u32(), i);
    for (; i < length; i++) out[i] = this.u32() & 255;
    return out;
  }
}
