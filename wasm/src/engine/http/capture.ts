// Enough of pcap and TCP for test captures: the payload of each connection in order, without handling of overlaps or losses.

/** Bytes of one direction, in the order of the capture; an empty one ends the direction. */
export interface Piece {
  readonly connection: string;
  readonly direction: 0 | 1;
  readonly bytes: Uint8Array;
  readonly end: boolean;
}

interface Side {
  next: number | undefined;
  readonly early: Map<number, { bytes: Uint8Array; end: boolean }>;
}

/** The pieces of all TCP connections over IPv4 and IPv6 in a classic pcap file. */
export function piecesOf(file: Uint8Array): Piece[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = view.getUint32(0, true);
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  const link = view.getUint32(20, little);
  const pieces: Piece[] = [];
  const sides = new Map<string, Side>();
  const clients = new Map<string, string>();
  for (let at = 24; at + 16 <= file.length;) {
    const length = view.getUint32(at + 8, little);
    takePacket(file.subarray(at + 16, at + 16 + length), link, pieces, sides, clients);
    at += 16 + length;
  }
  return pieces;
}

function takePacket(
  packet: Uint8Array, link: number, pieces: Piece[], sides: Map<string, Side>, clients: Map<string, string>,
): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let at = link === 1 ? 14 : link === 113 ? 16 : link === 0 ? 4 : 0;
  if (link === 1 && view.getUint16(12) === 0x8100) at += 4;
  if (packet.length < at + 40) return;
  const v6 = (packet[at] ?? 0) >> 4 === 6;
  if ((v6 ? packet[at + 6] : packet[at + 9]) !== 6) return;
  const end = v6 ? at + 40 + view.getUint16(at + 4) : at + view.getUint16(at + 2);
  const tcp = at + (v6 ? 40 : ((packet[at] ?? 0) & 15) * 4);
  const address = (from: number, n: number) => Buffer.from(packet.subarray(from, from + n)).toString("hex");
  const source = `${v6 ? address(at + 8, 16) : address(at + 12, 4)}:${view.getUint16(tcp)}`;
  const target = `${v6 ? address(at + 24, 16) : address(at + 16, 4)}:${view.getUint16(tcp + 2)}`;
  const connection = [source, target].sort().join("-");
  if (!clients.has(connection)) clients.set(connection, source);
  const direction = clients.get(connection) === source ? 0 : 1;
  const flags = packet[tcp + 13] ?? 0;
  let sequence = view.getUint32(tcp + 4);
  const key = `${connection}/${direction}`;
  const side = sides.get(key) ?? { next: undefined, early: new Map<number, { bytes: Uint8Array; end: boolean }>() };
  sides.set(key, side);
  if ((flags & 2) !== 0) {
    side.next = (sequence + 1) >>> 0;
    sequence = side.next;
  }
  const bytes = packet.subarray(tcp + ((packet[tcp + 12] ?? 0) >> 4) * 4, Math.min(end, packet.length));
  side.next ??= sequence;
  const fin = (flags & 5) !== 0;
  if (bytes.length > 0 || fin) side.early.set(sequence, { bytes, end: fin });
  for (;;) {
    const ready = side.early.get(side.next);
    if (ready === undefined) return;
    side.early.delete(side.next);
    side.next = (side.next + ready.bytes.length) >>> 0;
    pieces.push({ connection, direction, bytes: ready.bytes, end: ready.end });
    if (ready.bytes.length === 0) return;
  }
}
