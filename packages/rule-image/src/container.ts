import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ByteWriter } from "./byte-writer.js";
import { RuleImageError } from "./errors.js";

/** Who reads the image. */
export const IMAGE_KINDS = { suricata: 1, seclang: 2 } as const;
export type ImageKind = keyof typeof IMAGE_KINDS;

/** One section; the tag is four printable ASCII characters. */
export interface Section {
  readonly tag: string;
  readonly bytes: Uint8Array;
}

/** What is in an image. `version` is the layout version of the sections, agreed between a compiler and its engine. */
export interface RuleImage {
  readonly kind: ImageKind;
  readonly version: number;
  readonly sections: readonly Section[];
}

/** Sections that only hosts read: META is JSON of titles, classes and references by rule id. */
export const HOST_ONLY: ReadonlySet<string> = new Set(["META"]);

const MAGIC = 0x49525853; // "SXRI"
const FORMAT = 1;
const HEADER = 32;
const ENTRY = 16;
/** Longest image and most sections that anyone reads. */
export const IMAGE_LIMITS = { bytes: 256 << 20, sections: 256 } as const;

/**
 * Puts sections into one image. All numbers are little-endian:
 *
 * | offset | type | field |
 * | --- | --- | --- |
 * | 0 | u32 | magic, the bytes `SXRI` |
 * | 4 | u16 | version of this container: 1 |
 * | 6 | u16 | kind: 1 suricata, 2 seclang |
 * | 8 | u32 | bytes of the whole image |
 * | 12 | u32 | number of sections |
 * | 16 | u32 | version of the sections' layout |
 * | 20 | u32 | CRC-32 of the header (with zero here) and the table |
 * | 24 | u64 | zero |
 * | 32 | 16 each | table: tag (4 ASCII characters), offset u32 (a multiple of 16), length u32, CRC-32 of the section |
 *
 * The sections follow in the order of the table, each padded with zeros to a multiple of 16. CRC-32 is that of zlib.
 * @throws RuleImageError on a bad tag, one that comes twice, or too much of something
 */
export function writeRuleImage(image: RuleImage): Uint8Array {
  const { sections } = image;
  if (sections.length > IMAGE_LIMITS.sections) {
    throw new RuleImageError("limit", `${sections.length} sections are too many: ${IMAGE_LIMITS.sections} are allowed`);
  }
  const tags = new Set<string>();
  for (const { tag } of sections) {
    if (!/^[!-~][ -~]{3}$/.test(tag)) throw new RuleImageError("table", `"${tag}" is no tag: use four ASCII characters`);
    if (tags.has(tag)) throw new RuleImageError("table", `section ${tag} comes twice: give each a tag of its own`);
    tags.add(tag);
  }
  const bodyAt = align16(HEADER + ENTRY * sections.length);
  const total = sections.reduce((at, section) => align16(at + section.bytes.length), bodyAt);
  if (total > IMAGE_LIMITS.bytes) {
    throw new RuleImageError("limit", `the image would have ${total} bytes, more than ${IMAGE_LIMITS.bytes}: split the rules`);
  }
  const out = new ByteWriter(total);
  out.u32(MAGIC).u16(FORMAT).u16(IMAGE_KINDS[image.kind]).u32(total).u32(sections.length).u32(image.version >>> 0);
  out.u32(0).u64(0n);
  let at = bodyAt;
  for (const { tag, bytes } of sections) {
    out.bytes(new TextEncoder().encode(tag)).u32(at).u32(bytes.length).u32(crc32(bytes));
    at = align16(at + bytes.length);
  }
  out.align(16);
  for (const { bytes } of sections) out.bytes(bytes).align(16);
  const result = out.finish();
  new DataView(result.buffer).setUint32(20, crc32(result.subarray(0, HEADER + ENTRY * sections.length)), true);
  return result;
}

/**
 * Takes an image apart after checking everything; the sections are views into `bytes`.
 * @throws RuleImageError with what is wrong
 */
export function readRuleImage(bytes: Uint8Array): RuleImage {
  if (bytes.length < HEADER) {
    throw new RuleImageError("truncated", `a rule image has at least ${HEADER} bytes, this has ${bytes.length}: copy it again`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RuleImageError("magic", "this is no rule image: it does not start with SXRI");
  const format = view.getUint16(4, true);
  if (format !== FORMAT) {
    throw new RuleImageError("version", `container version ${format} is not known, only ${FORMAT}: compile the rules anew`);
  }
  const kind = (Object.keys(IMAGE_KINDS) as ImageKind[]).find((name) => IMAGE_KINDS[name] === view.getUint16(6, true));
  if (kind === undefined) {
    throw new RuleImageError("kind", `kind ${view.getUint16(6, true)} is not known: use a newer release or compile anew`);
  }
  const total = view.getUint32(8, true);
  if (total !== bytes.length) {
    throw new RuleImageError("length", `the header says ${total} bytes, there are ${bytes.length}: copy the image again`);
  }
  return { kind, version: view.getUint32(16, true), sections: readSections(bytes, view) };
}

function readSections(bytes: Uint8Array, view: DataView): Section[] {
  const count = view.getUint32(12, true);
  const tableEnd = HEADER + ENTRY * count;
  if (count > IMAGE_LIMITS.sections || tableEnd > bytes.length) {
    throw new RuleImageError("table", `a table of ${count} sections does not fit: compile the rules anew`);
  }
  // Not slice: that of a Buffer would be a view.
  const head = Uint8Array.from(bytes.subarray(0, tableEnd));
  head.fill(0, 20, 24);
  if (crc32(head) !== view.getUint32(20, true)) {
    throw new RuleImageError("checksum", "header or table are damaged (CRC-32 differs): copy the image again");
  }
  const sections: Section[] = [];
  let free = align16(tableEnd);
  for (let i = 0; i < count; i++) {
    const entry = HEADER + ENTRY * i;
    const tag = String.fromCharCode(...bytes.subarray(entry, entry + 4));
    const offset = view.getUint32(entry + 4, true);
    const length = view.getUint32(entry + 8, true);
    if (offset !== free || length > bytes.length - offset) {
      throw new RuleImageError("table", `section ${tag} is not where it should be: compile the rules anew`);
    }
    if (sections.some((other) => other.tag === tag)) {
      throw new RuleImageError("table", `section ${tag} comes twice: compile the rules anew`);
    }
    const section = bytes.subarray(offset, offset + length);
    if (crc32(section) !== view.getUint32(entry + 12, true)) {
      throw new RuleImageError("checksum", `section ${tag} is damaged (CRC-32 differs): copy the image again`);
    }
    sections.push({ tag, bytes: section });
    free = align16(offset + length);
  }
  return sections;
}

/**
 * The same image without what only hosts need ({@link HOST_ONLY}), as modules get it.
 * @throws RuleImageError when the image is not valid
 */
export function forModule(image: Uint8Array): Uint8Array {
  const read = readRuleImage(image);
  return writeRuleImage({ ...read, sections: read.sections.filter(({ tag }) => !HOST_ONLY.has(tag)) });
}

/** The bytes of a section, or undefined. */
export function sectionOf(image: RuleImage, tag: string): Uint8Array | undefined {
  return image.sections.find((section) => section.tag === tag)?.bytes;
}

/** SHA-256 of an image in hex: what it is called wherever images are compared. */
export function digest(image: Uint8Array): string {
  return createHash("sha256").update(image).digest("hex");
}

function align16(value: number): number {
  return Math.ceil(value / 16) * 16;
}
