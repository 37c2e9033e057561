/** Bytes as a source of decisions: whatever they are, they are a plan, so that plans can be changed like any input. */
export class Plan {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** 0 to n - 1; 0 when the bytes are used up. */
  below(n: number): number {
    const byte = (): number => this.bytes[this.#at++] ?? 0;
    return n <= 256 ? byte() % n : (byte() * 256 + byte()) % n;
  }

  get over(): boolean {
    return this.#at >= this.bytes.length;
  }
}
