/** The capture reader: damaged files end with CaptureError and nothing else, and the pieces in which a file is read do not matter. */
import { CaptureError, captureHeader, captureRecord, readCapture, type CapturedPacket } from "@secuxflow/pcap";
import type { Input, Step } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { firstDifference, rechunked } from "./conversation.js";
import { captureSeeds, packetSeeds, sessionSeeds } from "./frame-seeds.js";

/** A capture as it came in pieces; what it gave. */
function read(pieces: Iterable<Uint8Array>): { readonly packets: unknown[]; readonly end: string } {
  const packets: unknown[] = [];
  try {
    for (const packet of readCapture(pieces)) packets.push(shown(packet));
    return { packets, end: "whole" };
  } catch (error) {
    if (error instanceof CaptureError) return { packets, end: error.message };
    throw error;
  }
}

const shown = ({ timeNs, wireLength, linkType, data }: CapturedPacket): unknown => ({ time: String(timeNs), wireLength, linkType, data: Buffer.from(data).toString("latin1") });

class PcapSubject implements Subject {
  check(input: Input, reached: Reached): string | undefined {
    const file: Input = [{ kind: 0, bytes: Uint8Array.from(Buffer.concat(input.map(({ bytes }) => bytes))) }];
    const whole = read(file.map(({ bytes }) => bytes));
    reached(`${whole.end.replace(/\d+/g, "#")} ${Math.min(9, whole.packets.length)}`);
    const difference = firstDifference(whole, read(rechunked(file).map(({ bytes }) => bytes)));
    return difference === undefined ? undefined : `chunking changes ${difference}`;
  }
}

function pcapng(frames: Input): Uint8Array {
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(padded.length + 12, 4);
    return Buffer.concat([head, padded, head.subarray(4)]);
  };
  const section = Buffer.from("4d3c2b1a01000000ffffffffffffffff", "hex");
  const link = Buffer.from("0100000000000400090001000900000000000000", "hex");
  const packets = frames.map(({ bytes }, i) => {
    const head = Buffer.alloc(20);
    head.writeUInt32LE(i * 1_000, 8);
    head.writeUInt32LE(bytes.length, 12);
    head.writeUInt32LE(bytes.length, 16);
    return block(6, Buffer.concat([head, bytes]));
  });
  return Uint8Array.from(Buffer.concat([block(0x0a0d0d0a, section), block(1, link), ...packets]));
}

export const pcapTarget: TargetMaker = () => {
  const step = (bytes: Uint8Array): Step => ({ kind: 0, bytes });
  const captures = [...packetSeeds(), ...sessionSeeds().slice(0, 3), ...captureSeeds().slice(0, 5)];
  const seeds = captures.flatMap((frames): Input[] => [
    [step(captureHeader(1)), ...frames.map(({ bytes }, i) => step(captureRecord({ timeNs: BigInt(i) * 1_000n, wireLength: bytes.length, data: bytes })))],
    [step(pcapng(frames))],
  ]);
  const words = ["0a0d0d0a", "a1b2c3d4", "d4c3b2a1", "4d3cb2a1", "a1b23c4d", "4d3c2b1a", "06000000", "03000000", "05000000", "1c000000"].map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));
  return Promise.resolve({ name: "pcap", seeds, words, kinds: [0], most: 100_000, steps: 60, fresh: () => new PcapSubject() });
};
