import { nativeHelper } from "../native.js";
import { checkDevice } from "./links.js";
import type { Place } from "./place.js";

export type SendOptions = {
  /** How many times the whole list is sent. Default 1. */
  repeat?: number;
  /** Frames a second; default: as fast as the kernel takes them. */
  pps?: number;
  /** Milliseconds until it is stopped. Default 30,000. */
  timeoutMs?: number;
};

/** The largest frame that is taken; the kernel refuses much smaller ones, over the device's MTU plus Ethernet header. */
const MAX_FRAME_BYTES = 256 * 1024;

/**
 * Sends whole Ethernet frames (without FCS) through a packet socket. Returns the number sent. Nothing is sent when any
 * of them is empty or too large.
 *
 * @throws {CommandError} with the number of the frame that the kernel refused (larger than the MTU allows, device down).
 */
export async function sendFrames(
  ns: Place,
  dev: string,
  frames: Iterable<Uint8Array>,
  options: SendOptions = {},
): Promise<number> {
  const { repeat = 1, pps = 0, timeoutMs } = options;
  const input = encodeFrames(frames);
  const args = ["send", checkDevice(dev), String(repeat), String(pps)];
  const { stdout } = await ns.exec(nativeHelper(), args, { input, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  return Number(/^sent (\d+)$/m.exec(stdout)?.[1]);
}

/** Frames as the C helper reads them: length (u32, little-endian) and bytes. @throws RangeError for an unfit length. */
export function encodeFrames(frames: Iterable<Uint8Array>): Buffer {
  const parts: Uint8Array[] = [];
  for (const frame of frames) {
    if (frame.length === 0 || frame.length > MAX_FRAME_BYTES) {
      throw new RangeError(`frame ${parts.length / 2} has ${frame.length} bytes: 1 to ${MAX_FRAME_BYTES} can be sent`);
    }
    const head = Buffer.alloc(4);
    head.writeUInt32LE(frame.length);
    parts.push(head, frame);
  }
  return Buffer.concat(parts);
}
