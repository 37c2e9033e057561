/** Random frames: every combination of headers that the parser knows, honest and lying, whole and cut. */
import { parsePrefix, parseProtocol } from "@secuxflow/contracts";
import { parseRanges, type MatchFields, type Sets } from "../model/rule.js";
import type { PolicyFields } from "../model/filter.js";
import type { Random } from "../random.js";
import type { Pools } from "./policy.js";

/** Bytes of a frame at most: what the test program takes. */
export const FRAME_BYTES = 512;

const ETHERTYPE_AT = 12;
const EXTENSIONS = [0, 43, 44, 51, 60] as const;

/** The values that frames for one policy are drawn from: those of its rules, and their neighbours. */
export interface FramePools {
  readonly v4: readonly Uint8Array[];
  readonly v6: readonly Uint8Array[];
  readonly ports: readonly number[];
  readonly lengths: readonly number[];
  readonly vlans: readonly number[];
  readonly protocols: readonly number[];
}

/** The first and last address of a prefix, and those just outside. */
function boundaries(text: string): { family: 4 | 6; addresses: Uint8Array[] } {
  const { family, bytes, length } = parsePrefix(text);
  const own = family === 4 ? bytes.subarray(12) : bytes;
  const bits = BigInt(own.length * 8);
  const host = (1n << (bits - BigInt(length))) - 1n;
  const first = BigInt(`0x${Buffer.from(own).toString("hex")}`);
  const all = (1n << bits) - 1n;
  const addresses = [first, first | host, first - 1n, (first | host) + 1n, first | (host >> 1n)].map((value) =>
    Uint8Array.from(Buffer.from((value & all).toString(16).padStart(own.length * 2, "0"), "hex")));
  return { family, addresses };
}

export function framePools(pools: Pools, { rules, forwards, allow, sets }: PolicyFields): FramePools {
  const matches: readonly MatchFields[] = [...rules, ...forwards, ...allow];
  const prefixes = new Set([...pools.v4, ...pools.v6, ...entriesOf(sets)]);
  for (const { src, dst } of matches) for (const text of [src, dst]) if (text !== "any" && !text.startsWith("@")) prefixes.add(text);
  const [v4, v6]: Uint8Array[][] = [[], []];
  for (const prefix of prefixes) {
    const { family, addresses } = boundaries(prefix);
    (family === 4 ? v4 : v6)?.push(...addresses);
  }
  const around = (texts: readonly (number | string | undefined)[]): number[] =>
    texts.flatMap((text) => (text === undefined ? [] : parseRanges(text).flatMap(([least, most]) => [least - 1, least, most, most + 1]))).filter((value) => value >= 0 && value <= 65_535);
  const protocols = matches.map(({ proto }) => parseProtocol(proto)).filter((number) => typeof number === "number");
  return {
    // Addresses are held as ::ffff:a.b.c.d inside: what if a packet has such a one?
    v4: v4 ?? [], v6: [...(v6 ?? []), ...(v4 ?? []).slice(0, 2).map((address) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address]))],
    ports: [...pools.ports, ...around(matches.flatMap(({ sport, port }) => [sport, port]))],
    lengths: [...pools.lengths, ...around(matches.map(({ length }) => length))],
    vlans: [...pools.vlans, ...matches.flatMap(({ vlan, innerVlan }) => [vlan, innerVlan]).filter((vid) => typeof vid === "number")],
    protocols: [2, 4, 41, 44, 50, 59, 60, 89, 255, ...protocols],
  };
}

const entriesOf = (sets: Sets): string[] => [...sets.values()].flatMap((entries) => entries.slice(0, 20));

/** Writes frames, one after the other, into memory that it is given. */
export class FrameWriter {
  readonly #random: Random;
  #pools: FramePools;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(random: Random, pools: FramePools) {
    this.#random = random;
    this.#pools = pools;
  }

  /** Takes other pools from now on. */
  use(pools: FramePools): void {
    this.#pools = pools;
  }

  /** Writes a frame of at least 14 bytes to the start of `target`, which has FRAME_BYTES. @returns its length */
  write(target: Uint8Array): number {
    this.#bytes = target;
    this.#at = 0;
    const random = this.#random;
    this.#zeros(11);
    this.#byte(2);
    const kind = random.weighted([[46, 4], [46, 6], [4, 0], [2, 46], [2, 64]]);
    const tags = random.weighted([[60, 0], [20, 1], [14, 2], [6, 3]]);
    for (let i = 0; i < tags; i++) {
      this.#word(random.pick([0x8100, 0x8100, 0x88a8]));
      this.#word((random.below(16) << 12) | this.#vlan());
    }
    const other = [0x0806, 0x88cc, 0x9100, 0x8847, 0x0000, 0x05dc];
    this.#word(kind === 0 ? random.pick(other) : kind === 4 || kind === 46 ? 0x0800 : 0x86dd);
    const start = this.#at;
    if (kind === 4 || kind === 64) this.#ipv4();
    else if (kind === 6 || kind === 46) this.#ipv6();
    else this.#junk(random.below(60));
    const length = this.#cut(start);
    // A near miss: one bit of the headers is another one.
    if (random.chance(10) && length > ETHERTYPE_AT) this.#flip(random.between(ETHERTYPE_AT, Math.min(length - 1, start + 80)));
    return length;
  }

  /** Writes a frame that was there before: as it was, shorter, or with another byte. @returns its length */
  again(target: Uint8Array, earlier: Uint8Array, length: number): number {
    target.set(earlier.subarray(0, length));
    const random = this.#random;
    if (random.chance(30)) return Math.max(14, length - random.below(40));
    if (random.chance(50) && length > ETHERTYPE_AT) target[random.between(ETHERTYPE_AT, Math.min(length, 90) - 1)] = random.below(256);
    return length;
  }

  /** Most frames stay whole; others end anywhere, or near where a header begins or ends. */
  #cut(start: number): number {
    const random = this.#random;
    const whole = Math.min(this.#at, FRAME_BYTES);
    const end = random.weighted([[70, whole], [12, random.between(14, whole)], [6, start + random.below(44)], [12, whole - random.below(60)]]);
    return Math.max(14, Math.min(end, whole));
  }

  #ipv4(): void {
    const random = this.#random;
    const start = this.#at;
    const words = random.weighted([[75, 5], [20, random.between(6, 15)], [3, random.below(5)], [2, 15]]);
    this.#byte((random.chance(98) ? 0x40 : random.below(16) << 4) | words);
    this.#byte(random.below(256));
    this.#word(0);
    this.#word(random.below(65_536));
    const [evil, dont, more] = [0x8000, 0x4000, 0x2000];
    this.#word(random.weighted([[40, 0], [30, dont], [8, more], [6, random.between(1, 0x1fff)], [6, more | random.between(1, 0x1fff)], [3, evil], [6, 1 << random.below(16)], [4, random.below(65_536)]]));
    this.#byte(64);
    const proto = this.#protocol(1);
    this.#byte(proto);
    this.#word(0);
    this.#copy(random.pick(this.#pools.v4));
    this.#copy(random.pick(this.#pools.v4));
    this.#junk(Math.max(0, words - 5) * 4);
    this.#transport(proto);
    this.#patch(start + 2, random.chance(80) ? this.#at - start : this.#length());
  }

  #ipv6(): void {
    const random = this.#random;
    const start = this.#at;
    this.#byte((random.chance(98) ? 0x60 : random.below(16) << 4) | random.below(16));
    this.#junk(3);
    this.#word(0);
    const count = random.weighted([[45, 0], [22, 1], [12, 2], [8, 3], [4, 4], [3, 5], [4, 6], [2, 7]]);
    const kinds = Array.from({ length: count }, () => random.weighted([[2, EXTENSIONS[0]], [2, EXTENSIONS[1]], [3, EXTENSIONS[2]], [2, EXTENSIONS[3]], [2, EXTENSIONS[4]]]));
    const proto = this.#protocol(58);
    this.#byte(kinds[0] ?? proto);
    this.#byte(64);
    this.#copy(random.pick(this.#pools.v6));
    this.#copy(random.pick(this.#pools.v6));
    kinds.forEach((kind, i) => { this.#extension(kind, kinds[i + 1] ?? proto); });
    this.#transport(proto);
    this.#patch(start + 4, random.chance(80) ? this.#at - start - 40 : Math.max(0, this.#length() - random.pick([0, 40])));
  }

  #extension(kind: number, next: number): void {
    const random = this.#random;
    const length = random.weighted([[60, 0], [30, random.below(4)], [7, random.below(12)], [3, random.below(256)]]);
    this.#byte(next);
    this.#byte(length);
    if (kind === 44) {
      this.#word(random.weighted([[25, 0], [25, 1], [10, random.between(1, 0x1fff) << 3], [10, (random.between(1, 0x1fff) << 3) | 1], [10, random.below(8)], [8, 1 << random.below(16)], [5, random.below(65_536)]]));
      this.#junk(4);
    } else {
      this.#junk((kind === 51 ? (length + 2) * 4 : (length + 1) * 8) - 2);
    }
  }

  #transport(proto: number): void {
    const random = this.#random;
    if (proto === 6 || proto === 17 || proto === 132) {
      this.#word(this.#port());
      this.#word(this.#port());
      if (proto === 6) {
        this.#junk(8);
        this.#byte(random.chance(85) ? 0x50 : random.below(256));
        this.#byte(random.chance(60) ? random.pick([0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x14, 0x00, 0xff, 0xc2]) : random.below(256));
        this.#junk(6);
      } else {
        this.#junk(proto === 17 ? 4 : 8);
      }
    } else if (proto === 1 || proto === 58) {
      this.#byte(random.chance(80) ? random.pick([0, 3, 8, 128, 129, 255]) : random.below(256));
      this.#byte(random.chance(80) ? random.pick([0, 1, 3, 255]) : random.below(256));
      this.#junk(6);
    } else {
      this.#junk(random.below(24));
    }
    this.#junk(random.chance(50) ? 0 : random.below(60));
  }

  #protocol(icmp: number): number {
    const random = this.#random;
    return random.weighted([[40, 6], [22, 17], [10, icmp], [3, 59 - icmp], [6, 132], [4, 47], [8, random.pick(this.#pools.protocols)], [4, random.below(256)], [3, random.pick(EXTENSIONS)]]);
  }

  #vlan(): number {
    return this.#random.chance(85) ? this.#random.pick(this.#pools.vlans) & 0xfff : this.#random.below(4_096);
  }

  #port(): number {
    return this.#random.chance(85) ? this.#random.pick(this.#pools.ports) : this.#random.below(65_536);
  }

  #length(): number {
    return this.#random.chance(85) ? this.#random.pick(this.#pools.lengths) : this.#random.below(65_536);
  }

  #byte(value: number): void {
    if (this.#at < FRAME_BYTES) this.#bytes[this.#at] = value;
    this.#at++;
  }

  #word(value: number): void {
    this.#byte(value >> 8);
    this.#byte(value & 0xff);
  }

  #patch(at: number, value: number): void {
    this.#bytes[at] = (value >> 8) & 0xff;
    this.#bytes[at + 1] = value & 0xff;
  }

  #copy(bytes: Uint8Array): void {
    for (const byte of bytes) this.#byte(byte);
  }

  #flip(at: number): void {
    this.#bytes[at] = (this.#bytes[at] ?? 0) ^ (1 << this.#random.below(8));
  }

  #zeros(count: number): void {
    for (let i = 0; i < count; i++) this.#byte(0);
  }

  /** Bytes that mean nothing where they are, but would where a parser went astray. */
  #junk(count: number): void {
    let word = 0;
    for (let i = 0; i < count; i++) {
      if ((i & 3) === 0) word = this.#random.u32();
      this.#byte(word & 0xff);
      word >>>= 8;
    }
  }
}
