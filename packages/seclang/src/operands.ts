// Arguments of operators in the form that the engine reads.
import { isIPv4, isIPv6 } from "node:net";
import { SecLangError, type Position } from "./errors.js";

/** 32 bytes: bit n says whether byte n is allowed. */
export function byteRange(argument: string, at: Position): Uint8Array {
  const bits = new Uint8Array(32);
  for (const part of argument.split(",").map((text) => text.trim()).filter((text) => text !== "")) {
    const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first > last || last > 255) throw new SecLangError(`"${part}" is no range of bytes: write 0-255`, at);
    for (let byte = first; byte <= last; byte++) bits[byte >> 3] = (bits[byte >> 3] ?? 0) | (1 << (byte & 7));
  }
  return bits;
}

export interface Network {
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** Bits of 128 that count. */
  readonly prefix: number;
}

/** @throws SecLangError for what is no address or network */
export function network(written: string, at: Position): Network {
  const [host = "", bits] = written.split("/");
  const v4 = isIPv4(host);
  if (!v4 && !isIPv6(host)) throw new SecLangError(`"${written}" is no address or network`, at);
  const width = v4 ? 32 : 128;
  let prefix = width;
  if (bits !== undefined) {
    prefix = v4 && isIPv4(bits) ? maskBits(bits) : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (prefix < 0 || prefix > width) throw new SecLangError(`"${written}" has no valid prefix length: 0 to ${width}`, at);
  }
  return { address: v4 ? mapped(host) : sixteen(host), prefix: v4 ? prefix + 96 : prefix };
}

function maskBits(mask: string): number {
  const value = mask.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) >>> 0;
  const bits = Math.clz32(~value);
  return (value << bits) >>> 0 === 0 || bits === 32 ? bits : -1;
}

function mapped(host: string): Uint8Array {
  const address = new Uint8Array(16);
  address.set([0xff, 0xff], 10);
  address.set(host.split(".").map(Number), 12);
  return address;
}

function sixteen(host: string): Uint8Array {
  const plain = host.replace(/%.*$/, "").replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`);
  const [head = "", tail] = plain.split("::");
  const groups = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
}
