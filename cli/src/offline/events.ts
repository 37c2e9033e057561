// Loaded only for who asks for EVE events or captures.
import { captureHeader, captureRecord, detectionEvent, LinkType, type JsonObject } from "@secuxflow/inspect-offline";
import type { AgentList, AlertShown } from "@secuxflow/contracts";

export type Detection = AlertShown["detections"][number];

/** Names of interfaces by index, where no two agents call different ones by the same index. */
export function interfaceNames(agents: AgentList["items"]): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const unclear = new Set<number>();
  for (const { ifindex, name } of agents.flatMap(({ interfaces }) => interfaces)) {
    const other = names.get(ifindex);
    if (other !== undefined && other !== name) unclear.add(ifindex);
    names.set(ifindex, name);
  }
  return new Map([...names].filter(([ifindex]) => !unclear.has(ifindex)));
}

/** A stored detection as an EVE event. */
export function eventOf(detection: Detection, interfaces: ReadonlyMap<number, string>): JsonObject {
  const name = interfaces.get(detection.ifindex);
  const event = detectionEvent(detection, name === undefined ? {} : { inInterface: name });
  const { module, inspector, policy, forwardId, confidence } = detection;
  // What other tools do not know lies in a corner of its own.
  return { ...event, secuxflow: { module: module.name, module_version: module.version, inspector, policy, forward_id: forwardId, confidence } };
}

/** Nanoseconds since 1970 of an ISO 8601 time with up to nine decimals. */
function nanoseconds(time: string): bigint {
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? "";
  const ms = Date.parse(time.replace(/\.\d+/, ""));
  return BigInt(Number.isNaN(ms) ? 0 : ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Start of a capture of packets of detections. */
export const captureStart = (): Uint8Array => captureHeader(LinkType.ETHERNET);

/** The packet of a detection as it stands in a capture; undefined when it was not stored. */
export function capturedPacket({ packet, wireLength, time }: Detection): Uint8Array | undefined {
  if (packet === undefined) return undefined;
  const data = Buffer.from(packet, "base64");
  return captureRecord({ timeNs: nanoseconds(time), wireLength: Math.max(wireLength ?? 0, data.byteLength), data });
}
