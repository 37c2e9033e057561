import type { FrameAssembler } from "../domain/frame-assembler.js";

/** The ring buffer as the pump needs it (libbpf-ts `RingBuffer`). */
export interface SampleSource {
  /** Copies as many records as fit; each is u32 length, u32 0, data, padded to 8 bytes. */
  consumeInto(buffer: Uint8Array): { readonly bytes: number; readonly records: number; readonly more: boolean };
  onReadable(callback: () => void): void;
}

const RECORD_HEADER = 8;
/** One copy out of the ring; larger ones only lengthen the time until the first packet of it is sent. */
const CHUNK_BYTES = 1 << 20;
/** Chunks that are handled before the event loop gets its turn (rules must reach the kernel under load, too). */
const CHUNKS_PER_TURN = 4;

/**
 * Moves samples from the ring buffer into frames: drains a chunk, sorts it into batches, and sends all batches as soon
 * as the ring is empty, so that a lone packet waits for nothing and a flood fills frames.
 */
export class SamplePump {
  readonly #source: SampleSource;
  readonly #assembler: FrameAssembler;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  readonly #view = new DataView(this.#chunk.buffer);
  #scheduled = false;
  #stopped = false;
  recordsRead = 0;

  constructor(source: SampleSource, assembler: FrameAssembler) {
    this.#source = source;
    this.#assembler = assembler;
  }

  start(): void {
    this.#source.onReadable(() => {
      this.pump();
    });
  }

  /** Ends after the records that are in the ring now. */
  stop(): void {
    this.pump();
    this.#stopped = true;
  }

  /** Drains the ring for one turn of the event loop. */
  pump(): void {
    if (this.#stopped) return;
    let more = true;
    for (let i = 0; i < CHUNKS_PER_TURN && more; i++) {
      const taken = this.#source.consumeInto(this.#chunk);
      this.#sort(taken.bytes);
      this.recordsRead += taken.records;
      more = taken.more;
    }
    this.#assembler.flush();
    if (more && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.pump();
      });
    }
  }

  #sort(bytes: number): void {
    for (let at = 0; at < bytes; ) {
      const length = this.#view.getUint32(at, true);
      this.#assembler.add(this.#chunk, this.#view, at + RECORD_HEADER, length);
      at += RECORD_HEADER + ((length + 7) & ~7);
    }
  }
}
