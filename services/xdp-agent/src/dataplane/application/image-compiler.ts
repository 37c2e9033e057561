/** A rule image, ready to be copied into a map. */
export interface CompiledImage {
  readonly bytes: Uint8Array;
  readonly milliseconds: number;
}

/** An address set for the compiler: prefixes of 20 bytes each (classifier/types.ts). */
export interface EncodedSet {
  readonly bit: number;
  readonly prefixes: Uint8Array;
  readonly count: number;
}

/** The policy cannot be compiled, or does not fit the map. The policy in force stays. */
export class ImageRefused extends Error {
  override readonly name = "ImageRefused";
}

/** Compiles images off the event loop. Both reject with ImageRefused where the policy does not fit `capacity` bytes. */
export interface ImageCompiler {
  /** `rows` are records of 128 bytes; those with id 0 are left out. The memory moves to the compiler. */
  rules(rows: Uint8Array<ArrayBuffer>, capacity: number): Promise<CompiledImage>;
  sets(sets: readonly EncodedSet[], capacity: number): Promise<Uint8Array>;
  /** Gives up the rules that are being compiled: their promise rejects. */
  cancel(): void;
  close(): Promise<void>;
}
