import type { ScatterResult, ScatterTarget } from "libbpf-ts";
import type { FrameAssembler } from "./frame-assembler.js";

/** The ring buffer as the pump needs it (libbpf-ts `RingBuffer`). */
export interface SampleSource {
  /** Sorts what is in the ring into the groups of a target, until one of them is full. */
  scatterInto(target: ScatterTarget): Readonly<ScatterResult>;
  onReadable(callback: () => void): void;
}

/** Full frames that are sent before the event loop gets its turn (rules must reach the kernel under load, too). */
const FRAMES_PER_TURN = 32;

/**
 * Moves samples from the ring buffer into frames: full frames go at once, all others as soon as the ring is empty, so that
 * a lone packet waits for nothing and a flood fills frames.
 */
export class SamplePump {
  readonly #source: SampleSource;
  readonly #assembler: FrameAssembler;
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

  /** Ends after the records that are in the ring now, or as many of them as one turn takes. */
  stop(): void {
    this.pump();
    this.#assembler.flush();
    this.#stopped = true;
  }

  /** Drains the ring for one turn of the event loop. */
  pump(): void {
    if (this.#stopped) return;
    for (let frames = 0; frames < FRAMES_PER_TURN; frames++) {
      const { records, malformed, full } = this.#source.scatterInto(this.#assembler.target);
      this.recordsRead += records + malformed;
      this.#assembler.packetsDropped += malformed;
      if (full < 0) {
        this.#assembler.flush();
        return;
      }
      this.#assembler.send(full);
    }
    this.#again();
  }

  #again(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.pump();
    });
  }
}
