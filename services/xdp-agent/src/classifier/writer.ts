import { IMAGE_PAD } from "./layout.js";
import { ImageTooLarge } from "./types.js";

/** Hands out pieces of an image from its start on; nothing is freed. The memory need not be zero before. */
export class ImageWriter {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  #end = 0;

  /** @throws {RangeError} the memory is not aligned to 8 bytes */
  constructor(private readonly target: Uint8Array, private readonly what: string) {
    if (target.byteOffset % 8 !== 0 || target.length % 8 !== 0) throw new RangeError("an image lies at a multiple of 8 bytes");
    this.u8 = target;
    this.u16 = new Uint16Array(target.buffer, target.byteOffset, target.length / 2);
    this.u32 = new Uint32Array(target.buffer, target.byteOffset, target.length / 4);
  }

  /** Bytes handed out so far. */
  get end(): number { return this.#end; }

  /** Offset of `bytes` fresh zero bytes, a multiple of `align` (a power of two). @throws {ImageTooLarge} */
  take(bytes: number, align: number): number {
    const offset = (this.#end + align - 1) & -align;
    if (offset + bytes > this.target.length - IMAGE_PAD) {
      throw new ImageTooLarge(this.what, offset + bytes + IMAGE_PAD, this.target.length);
    }
    this.#end = offset + bytes;
    this.u8.fill(0, offset, this.#end);
    return offset;
  }
}
