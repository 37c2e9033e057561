import type { DefencePort, Tally } from "../application/defence-port.js";
import { DEFENCE_COUNT, TALKER, TALKERS } from "../domain/layout.js";
import { firstTalkerSet } from "../domain/talkers.js";

/** The maps in memory, for one CPU. */
export class FakeDefence implements DefencePort {
  nowNs = 100n << BigInt(TALKERS.windowShift);
  protection: Uint8Array | undefined;
  activeUntilNs = 0n;
  spaces: ReadonlyMap<string, number> = new Map();
  readonly counts: Tally[] = Object.values(DEFENCE_COUNT).map(() => ({ packets: 0, bytes: 0 }));
  readonly memory = new Uint8Array(2 * TALKERS.tables * TALKERS.sets * TALKERS.ways * TALKER.size);
  reads = 0;

  setProtection(bytes: Uint8Array): Promise<void> {
    this.protection = bytes;
    return Promise.resolve();
  }

  counters(): readonly Tally[] {
    return this.counts;
  }

  synState(): { activeUntilNs: bigint; turnedOn: number } {
    return { activeUntilNs: this.activeUntilNs, turnedOn: 1 };
  }

  talkers(first: number, count: number): Uint8Array {
    this.reads++;
    const stride = TALKERS.ways * TALKER.size;
    return this.memory.subarray(first * stride, (first + count) * stride);
  }

  setSpaces(spaces: ReadonlyMap<string, number>): void {
    this.spaces = spaces;
  }

  monotonicNs(): bigint {
    return this.nowNs;
  }

  /** Writes one line of a table. */
  putTalker(table: number, line: number, talker: { hi: bigint; lo: bigint; weight: number; inherited?: number; window: number }): void {
    const view = new DataView(this.memory.buffer, firstTalkerSet(table, talker.window) * TALKERS.ways * TALKER.size + line * TALKER.size);
    view.setBigUint64(TALKER.hi, talker.hi, true);
    view.setBigUint64(TALKER.lo, talker.lo, true);
    view.setBigUint64(TALKER.weight, BigInt(talker.weight), true);
    view.setUint32(TALKER.inherited, talker.inherited ?? 0, true);
    view.setUint32(TALKER.window, talker.window, true);
  }
}
