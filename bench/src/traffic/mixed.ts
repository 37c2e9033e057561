import { BatchBuilder, Direction, dissectFrame } from "@secuxflow/inspect-abi";
import { buildFrame, tcpSession } from "@secuxflow/testkit";
import { nextConversation } from "./conversations.js";
import type { Conversation } from "./conversations.js";
import { Random } from "./random.js";

/** A batch for a module, with the bytes of frames in it. */
export interface TrafficBatch {
  readonly bytes: Uint8Array;
  readonly packets: number;
  readonly frameBytes: number;
}

interface Frame {
  readonly frame: Uint8Array;
  readonly toServer: boolean;
}

/** Conversations under way at the same time. */
const CONCURRENT = 64;
const START_NS = 1_795_341_600_000_000_000n;
/** One packet every 4 µs: 250,000 a second. */
const GAP_NS = 4_000;

function* framesOf({ proto, port, turns }: Conversation, number: number): Generator<Frame> {
  const client = { ip: `10.${1 + ((number >> 16) & 63)}.${(number >> 8) & 255}.${number & 255}`, port: 1_024 + ((number * 7_919) % 60_000) };
  const server = { ip: `198.51.100.${1 + (number % 250)}`, port };
  if (proto === "tcp") {
    for (const { frame, from } of tcpSession({ client, server, turns })) yield { frame, toServer: from === "client" };
    return;
  }
  for (const { from, data } of turns) {
    const [me, peer] = from === "client" ? [client, server] : [server, client];
    const frame = buildFrame({ ipv4: { src: me.ip, dst: peer.ip }, udp: { srcPort: me.port, dstPort: peer.port }, payload: Buffer.from(data) });
    yield { frame, toServer: from === "client" };
  }
}

/**
 * About `bytes` bytes of frames of mixed traffic, the same in every run: HTTP, TLS, QUIC, DNS, SMTP and SSH, interleaved as on
 * an uplink. The batches are copies.
 */
export function* mixedTraffic(bytes: number, seed = 1): Generator<TrafficBatch> {
  const random = new Random(seed);
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 512, maxBytes: 1024 * 1024 });
  let conversations = 0;
  const open = (): Generator<Frame> => framesOf(nextConversation(random), conversations++);
  const running = Array.from({ length: CONCURRENT }, open);
  let [packets, frameBytes, total, now] = [0, 0, 0, 0];
  const flush = (): TrafficBatch => {
    const batch = { bytes: builder.finish().slice(), packets, frameBytes };
    [packets, frameBytes] = [0, 0];
    return batch;
  };
  while (total < bytes) {
    const at = random.int(0, CONCURRENT - 1);
    // A few packets of one conversation follow each other, as in a window of TCP.
    for (let burst = random.int(1, 8); burst > 0; burst--) {
      const next = running[at]?.next();
      if (next === undefined || next.done === true) {
        running[at] = open();
        break;
      }
      const { frame, toServer } = next.value;
      if (packets === 0) {
        builder.setTimeBase(START_NS + BigInt(now));
      }
      const fields = dissectFrame(frame);
      fields.modules = 1;
      fields.direction = toServer ? Direction.TO_SERVER : Direction.TO_CLIENT;
      fields.timeDeltaNs = packets * GAP_NS;
      if (!builder.append(fields, frame)) {
        yield flush();
        builder.setTimeBase(START_NS + BigInt(now));
        fields.timeDeltaNs = 0;
        builder.append(fields, frame);
      }
      packets++;
      frameBytes += frame.length;
      total += frame.length;
      now += GAP_NS;
    }
  }
  if (packets > 0) yield flush();
}
