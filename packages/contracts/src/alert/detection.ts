import { z } from "zod";

/** 1 critical, 2 high, 3 medium, 4 low or informational: the order of EVE JSON's `alert.severity`. */
export const Severity = z.number().int().min(1).max(4);

export const FlowKey = z.object({
  src: z.string(),
  dst: z.string(),
  /** 0 where the protocol has no ports. */
  sport: z.number().int().min(0).max(65_535),
  dport: z.number().int().min(0).max(65_535),
  proto: z.string(),
});
export type FlowKey = z.infer<typeof FlowKey>;

/** What a module found, as an inspector publishes it. `src` to `dst` is the direction of the packet that it was found in. */
export const Detection = z.object({
  /** Deterministic in flow, rule and packet, so that inspecting a packet twice gives one detection. Also the `Nats-Msg-Id`. */
  id: z.string().max(128),
  /** When the packet was seen, ISO 8601 UTC with microseconds where known. */
  time: z.string(),
  policy: z.string(),
  inspector: z.string(),
  module: z.object({ name: z.string(), version: z.string(), digest: z.string() }),
  rule: z.object({ id: z.number().int(), name: z.string(), category: z.string() }),
  severity: Severity,
  /** 0 to 100. */
  confidence: z.number().int().min(0).max(100),
  verdictHint: z.enum(["none", "alert", "drop"]),
  /** The flow's identity: 16 hex digits, the same for both directions. */
  flowId: z.string().regex(/^[0-9a-f]{16}$/),
  flow: FlowKey,
  direction: z.enum(["to_server", "to_client", "unknown"]),
  ifindex: z.number().int(),
  vlan: z.number().int(),
  /** The forwarding rule that brought the packet. */
  forwardId: z.number().int(),
  /** What the module says of the match: `http.uri`, `match.data`, ... Raw bytes as text, one character a byte (latin1). */
  attributes: z.record(z.string().max(64), z.string().max(4_096)),
  /** The captured packet, base64, cut to 2,048 bytes. */
  packet: z.string().max(4_096).optional(),
  // Absent from inspectors that know nothing of it.
  /** Bytes of the packet on the wire. */
  wireLength: z.number().int().nonnegative().optional(),
  /** What the module and its rule set say of it in EVE's terms, as the text of one JSON object. */
  eve: z.string().max(32_768).optional(),
  /** What the rule saw of the stream or datagram, base64, cut to 16,384 bytes. */
  payload: z.string().max(22_000).optional(),
});
export type Detection = z.infer<typeof Detection>;

/** What inspection saw of one flow in one reporting interval (both directions together). Summed by the reader. */
export const FlowSummary = z.object({
  flowId: z.string().regex(/^[0-9a-f]{16}$/),
  inspector: z.string(),
  flow: FlowKey,
  first: z.string(),
  last: z.string(),
  packets: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  detections: z.number().int().nonnegative(),
});
export type FlowSummary = z.infer<typeof FlowSummary>;

/** Body of one message on a flows subject. */
export const FlowReport = z.object({ id: z.string(), flows: z.array(FlowSummary).max(4_096) });
export type FlowReport = z.infer<typeof FlowReport>;
