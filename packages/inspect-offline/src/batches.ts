import { BatchBuilder, dissectFrame } from "@secuxflow/inspect-abi";
import type { EventPacket } from "@secuxflow/eve";
import { linkTypeName, LinkType } from "@secuxflow/pcap";
import type { CapturedPacket } from "@secuxflow/pcap";

/** A batch for a module, and what is known of each of its records. */
export interface CaptureBatch {
  /** A view into a buffer that the next batch overwrites. */
  readonly bytes: Uint8Array;
  readonly packets: readonly EventPacket[];
}

const MAX_RECORDS = 512;
const MAX_BYTES = 1024 * 1024;
/** Time deltas have 32 bits of nanoseconds. */
const MAX_SPAN_NS = 4_000_000_000n;
const NOTHING = new Uint8Array();

/**
 * Packets of a capture as batches, in order. Frames that are not Ethernet are left for the module to make sense of. Where the
 * capture cannot be read on, what came before is given out first.
 * @throws what `packets` throws
 */
export function* batchesOf(packets: Iterable<CapturedPacket>): Generator<CaptureBatch> {
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: MAX_RECORDS, maxBytes: MAX_BYTES });
  let known: EventPacket[] = [];
  let base = 0n;
  let captureIndex = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for (const { timeNs, linkType, wireLength, data: view } of packets) {
      captureIndex++;
      // Kept beyond the next packet: for the event, and while the batch is not full.
      const data = view.slice();
      const fields = dissectFrame(linkType === LinkType.ETHERNET ? data : NOTHING, wireLength);
      fields.modules = 1;
      if (known.length > 0 && (timeNs < base || timeNs - base > MAX_SPAN_NS)) yield flush();
      if (known.length === 0) start(timeNs);
      fields.timeDeltaNs = Number(timeNs - base);
      if (!builder.append(fields, data)) {
        yield flush();
        start(timeNs);
        fields.timeDeltaNs = 0;
        builder.append(fields, data);
      }
      const { src, dst, family, proto, sport, dport, vlan } = fields;
      const flowId = (BigInt(fields.flowIdHigh >>> 0) << 32n) | BigInt(fields.flowIdLow >>> 0);
      const link = { type: linkType, name: linkTypeName(linkType) ?? String(linkType) };
      known.push({ timeNs, flowId, src, dst, family, proto, sport, dport, vlan, data, captureIndex, link });
    }
  } catch (error) {
    failure = { error };
  }
  if (known.length > 0) yield flush();
  if (failure !== undefined) throw failure.error;

  function start(timeNs: bigint): void {
    base = timeNs;
    builder.setTimeBase(timeNs);
  }

  function flush(): CaptureBatch {
    const batch = { bytes: builder.finish(), packets: known };
    known = [];
    return batch;
  }
}
