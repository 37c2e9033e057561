import { RecordIndex } from "../../classifier/index.js";
import { EMPTY_HEAD, FIRST_RECORD, readHead, writeHead, type GenerationHead } from "../domain/generation.js";
import { HEAD_FLAG, NO_IMAGE } from "../domain/layout.js";
import { PolicyNotApplicable } from "../domain/names.js";
import { SpareMaps, type GraceQueue } from "./grace.js";
import type { CompiledImage } from "./image-compiler.js";
import type { KernelPort } from "./kernel-port.js";
import { TimeSlice } from "./time-slice.js";

/** Largest piece of an image that is copied at once. */
const COPY_BYTES = 4 << 20;
const MOST_SEQUENCE = 0xffff_ff00;

/** A rule image in a map, and where its records are. */
export interface StandingImage {
  readonly map: number;
  readonly index: RecordIndex;
}

/** What a new generation says beside its records. */
export interface NextGeneration {
  readonly revision: number;
  /** Flags of the head but for the flow cache, which follows from the image. */
  readonly flags: number;
  readonly image: StandingImage | undefined;
  /** Index of the set image, or NO_IMAGE. */
  readonly sets: number;
  /** Records of rules, and of forwarding rules, that `write` puts down. */
  readonly rules: number;
  readonly forwards: number;
  /** Writes the records from `at` on. */
  readonly write: (memory: Uint8Array, at: number) => void;
}

/** The generations and rule images in the kernel: what is in force, what is spare, and the swap from one to the next. */
export class Generations {
  readonly #kernel: KernelPort;
  readonly #spare: SpareMaps;
  readonly #images: SpareMaps;
  #active: number;
  #head: GenerationHead;
  #image: StandingImage | undefined;

  constructor(kernel: KernelPort, grace: GraceQueue) {
    this.#kernel = kernel;
    this.#active = kernel.active();
    const standing = readHead(this.memory);
    this.#head = standing ?? EMPTY_HEAD;
    // No packet is judged by maps that are still empty; an image of index 0 is not what their zeros mean.
    if (!standing) writeHead(this.memory, EMPTY_HEAD);
    this.#spare = new SpareMaps(grace, kernel.generations.length, this.#active);
    this.#images = new SpareMaps(grace, kernel.images.length, this.#head.image);
    if (this.imageMemory) this.#image = { map: this.#head.image, index: RecordIndex.read(this.imageMemory) };
  }

  /** The head in force. */
  get head(): GenerationHead {
    return this.#head;
  }

  /** The image in force. */
  get image(): StandingImage | undefined {
    return this.#image;
  }

  /** Memory of the generation in force. */
  get memory(): Uint8Array {
    return this.#memoryOf(this.#active);
  }

  /** Memory of the image in force. */
  get imageMemory(): Uint8Array | undefined {
    return this.#kernel.images[this.#head.image];
  }

  /** Bytes that an image may have. */
  get imageCapacity(): number {
    return this.#kernel.images[0]?.length ?? 0;
  }

  /** The sequence number that the next generation gets, if it keeps the image: what it deletes there dies from it on. */
  get nextSequence(): number {
    return this.#head.sequence + 1;
  }

  /** Whether marks of deletion have run out: the next generation needs a new image. */
  get isExhausted(): boolean {
    return this.#head.sequence >= MOST_SEQUENCE;
  }

  /** A generation that no packet reads: publish it, or give it back. */
  take(): Promise<number> {
    return this.#spare.take();
  }

  giveBack(generation: number): void {
    this.#spare.giveBack(generation);
  }

  /** Copies an image into a map that no generation in use names, in pieces. */
  async copyImage({ bytes }: CompiledImage): Promise<StandingImage> {
    const map = await this.#images.take();
    const target = this.#kernel.images[map];
    if (!target) throw new PolicyNotApplicable("this build of the program has no images");
    const slice = new TimeSlice();
    for (let at = 0; at < bytes.length; at += COPY_BYTES) {
      target.set(bytes.subarray(at, at + COPY_BYTES), at);
      if (slice.over) await slice.yield();
    }
    return { map, index: RecordIndex.read(target) };
  }

  /** Writes a generation and puts it in force; retires what was in force. Never waits. */
  publish(generation: number, next: NextGeneration): void {
    const memory = this.#memoryOf(generation);
    next.write(memory, FIRST_RECORD);
    const old = { active: this.#active, image: this.#image };
    this.#head = {
      revision: next.revision, rules: next.rules, forwards: next.forwards, image: next.image?.map ?? NO_IMAGE, sets: next.sets,
      flags: next.flags | (next.image === undefined ? 0 : HEAD_FLAG.cache),
      sequence: next.image === old.image || !this.isExhausted ? this.nextSequence : 1,
    };
    writeHead(memory, this.#head);
    this.#kernel.activate(generation);
    this.#active = generation;
    this.#image = next.image;
    this.#spare.retire(old.active);
    if (old.image && old.image !== next.image) this.#images.retire(old.image.map);
  }

  #memoryOf(index: number): Uint8Array {
    const memory = this.#kernel.generations[index];
    if (!memory) throw new RangeError(`the kernel maps name generation ${index}, there are ${this.#kernel.generations.length}`);
    return memory;
  }
}
