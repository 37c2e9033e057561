import { ipVersion } from "./addresses.js";
import { buildFrame } from "./build.js";
import { tcpOptions } from "./build-transport.js";
import { FrameSpecError, type FrameSpec } from "./spec.js";

export type Side = "client" | "server";

/** One end of a conversation. */
export type Peer = { ip: string; port: number; mac?: string; /** Initial sequence number. */ isn?: number; ttl?: number };

/** What one side says, cut into TCP segments; the other side acknowledges it at the end. */
export type Turn = {
  from: Side;
  data: string | Uint8Array;
  /** Byte offsets where it is cut. Default: every 1,460 bytes. */
  splitAt?: readonly number[];
  /** Order in which the segments go out, by index, each at least once; one named again is a retransmission. */
  order?: readonly number[];
};

export type SessionSpec = {
  client: Peer;
  server: Peer;
  turns: readonly Turn[];
  /** Default true. Without it the first frame is data. */
  handshake?: boolean;
  /** How it ends: FIN of both sides (from the client first), the client's RST, or not at all. Default "fin". */
  end?: "fin" | "rst" | "none";
  vlan?: FrameSpec["vlan"];
};

/** One frame of a conversation. */
export type SessionFrame = {
  from: Side;
  kind: "syn" | "synack" | "ack" | "data" | "retransmit" | "fin" | "rst";
  frame: Buffer;
  /** Sequence number of its first byte. */
  seq: number;
  /** Its share of the turn's data. */
  payload: Buffer;
};

const MSS = 1_460;

/**
 * The frames of a whole TCP conversation, in the order in which they pass the wire: handshake, every turn with the
 * receiver's acknowledgement, and the end. Sequence numbers wrap at 2^32.
 *
 * @throws {FrameSpecError} when a turn's cuts or order do not fit its data.
 */
export function* tcpSession(spec: SessionSpec): Generator<SessionFrame> {
  const { turns, handshake = true, end = "fin" } = spec;
  const peers = { client: spec.client, server: spec.server };
  // The next sequence number of each side.
  const next = { client: spec.client.isn ?? 1_000, server: spec.server.isn ?? 5_000 };
  const send = (
    from: Side,
    kind: SessionFrame["kind"],
    flags: string,
    seq: number,
    payload: Buffer = Buffer.alloc(0),
  ): SessionFrame => {
    const ack = flags.includes("A") ? next[other(from)] : 0;
    const options = flags.includes("S") ? { options: tcpOptions({ mss: MSS, sackPermitted: true, windowScale: 7 }) } : {};
    const [me, peer] = [peers[from], peers[other(from)]];
    const tcp = { srcPort: me.port, dstPort: peer.port, seq, ack, flags, ...options };
    return { from, kind, frame: buildFrame({ ...below(spec, me, peer), tcp, payload }), seq, payload };
  };
  const advance = (side: Side, by: number): void => {
    next[side] = (next[side] + by) % 2 ** 32;
  };

  if (handshake) {
    yield send("client", "syn", "S", next.client);
    advance("client", 1);
    yield send("server", "synack", "SA", next.server);
    advance("server", 1);
    yield send("client", "ack", "A", next.client);
  }
  for (const turn of turns) {
    const data = Buffer.from(turn.data);
    const start = next[turn.from];
    const seen = new Set<number>();
    const segments = cut(data, turn);
    for (const index of sendingOrder(turn, segments.length)) {
      const segment = segments[index];
      if (segment === undefined) continue;
      const flags = index === segments.length - 1 ? "PA" : "A";
      yield send(turn.from, seen.has(index) ? "retransmit" : "data", flags, (start + segment.at) % 2 ** 32, segment.bytes);
      seen.add(index);
    }
    advance(turn.from, data.length);
    yield send(other(turn.from), "ack", "A", next[other(turn.from)]);
  }
  if (end === "rst") yield send("client", "rst", "RA", next.client);
  if (end !== "fin") return;
  yield send("client", "fin", "FA", next.client);
  advance("client", 1);
  yield send("server", "fin", "FA", next.server);
  advance("server", 1);
  yield send("client", "ack", "A", next.client);
}

const other = (side: Side): Side => (side === "client" ? "server" : "client");

function below({ vlan }: SessionSpec, me: Peer, peer: Peer): FrameSpec {
  const eth = { ...(me.mac !== undefined && { src: me.mac }), ...(peer.mac !== undefined && { dst: peer.mac }) };
  const lower = { eth, ...(vlan !== undefined && { vlan }) };
  if (ipVersion(me.ip) === 6) return { ...lower, ipv6: { src: me.ip, dst: peer.ip, hopLimit: me.ttl ?? 64 } };
  return { ...lower, ipv4: { src: me.ip, dst: peer.ip, ttl: me.ttl ?? 64, dontFragment: true } };
}

function cut(data: Buffer, { splitAt }: Turn): { at: number; bytes: Buffer }[] {
  const usual = Array.from({ length: Math.max(Math.ceil(data.length / MSS) - 1, 0) }, (_, i) => (i + 1) * MSS);
  const borders = [0, ...(splitAt ?? usual), data.length];
  if (data.length === 0) return [];
  return borders.slice(0, -1).map((at, i) => {
    const to = borders[i + 1] ?? data.length;
    if (!Number.isInteger(at) || at >= to)
      throw new FrameSpecError(`splitAt: ${borders.slice(1, -1).join(", ")} must rise between 0 and ${data.length}`);
    return { at, bytes: data.subarray(at, to) };
  });
}

function sendingOrder({ order }: Turn, count: number): readonly number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (order === undefined) return all;
  const missing = all.filter((index) => !order.includes(index));
  const unknown = order.filter((index) => !all.includes(index));
  if (missing.length > 0 || unknown.length > 0) {
    const wrong = `missing ${missing.join(", ") || "none"}, unknown ${unknown.join(", ") || "none"}`;
    throw new FrameSpecError(`order: the turn has segments 0 to ${count - 1}; ${wrong}`);
  }
  return order;
}
