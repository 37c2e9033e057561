import { BatchBuilder, Direction, flowHash, Kind, Limit, parseAddress, partitionOf,
  type RecordFields } from "@secuxflow/inspect-abi";
import { decodeFrame, tcpSession, type SessionSpec } from "@secuxflow/testkit";

export interface PacketOptions {
  /** Mask of the modules that it goes to. */
  readonly modules?: number;
  readonly timeDeltaNs?: number;
  readonly direction?: number;
  readonly forwardId?: number;
}

interface FrameOptions extends PacketOptions {
  readonly timeBaseNs?: bigint;
}

const ETHERNET = 14;
const IPV4 = 20;

/** A record's fields for an Ethernet frame with IPv4 and TCP or UDP, as the BPF program would fill them. */
export function recordOf(frame: Uint8Array, options: PacketOptions = {}): RecordFields {
  const { ipv4, tcp, udp } = decodeFrame(frame);
  const ports = tcp ?? udp;
  if (ipv4 === undefined || ports === undefined) throw new Error("only TCP and UDP over IPv4 here");
  const src = parseAddress(ipv4.src);
  const dst = parseAddress(ipv4.dst);
  const proto = tcp === undefined ? 17 : 6;
  const id = flowHash(src, dst, ports.srcPort, ports.dstPort, proto);
  const l4 = ETHERNET + IPV4;
  const header = tcp === undefined ? 8 : ((frame[l4 + 12] ?? 0) >> 4) * 4;
  return {
    flowIdLow: Number(id & 0xffff_ffffn), flowIdHigh: Number(id >> 32n), streamOffset: 0, timeDeltaNs: options.timeDeltaNs ?? 0,
    wireLen: frame.length, l3Offset: ETHERNET, l4Offset: l4, payloadOffset: l4 + header, sport: ports.srcPort,
    dport: ports.dstPort,
    family: 4, proto, kind: Kind.PACKET, direction: options.direction ?? Direction.TO_SERVER, flags: 0, vlan: 0, ifindex: 7,
    modules: options.modules ?? 0, forwardId: options.forwardId ?? 1, src, dst,
  };
}

/** Puts packets into frames as an agent does: one sequence for each partition. */
export class TestPublisher {
  readonly #builders = new Map<number, BatchBuilder>();

  constructor(readonly publisher = BigInt(Math.floor(Math.random() * 2 ** 48))) {}

  /** One frame for each partition that the packets belong to. */
  frames(packets: readonly Uint8Array[], options: FrameOptions = {}): { partition: number; frame: Uint8Array }[] {
    const touched = new Map<number, BatchBuilder>();
    packets.forEach((packet, index) => {
      const record = recordOf(packet, { timeDeltaNs: index * 1_000, ...options });
      const partition = partitionOf(record.flowIdLow);
      const builder = this.builder(partition);
      if (builder.count === 0) builder.setTimeBase(options.timeBaseNs ?? BigInt(Date.now()) * 1_000_000n);
      touched.set(partition, builder);
      if (!builder.append(record, packet)) throw new Error("the test's batch is full");
    });
    return [...touched].map(([partition, builder]) => ({ partition, frame: builder.finish().slice() }));
  }

  /** As if so many packets of the partition had been lost before they were sent. */
  skip(partition: number, packets: number): void {
    this.builder(partition).skip(packets);
  }

  private builder(partition: number): BatchBuilder {
    let builder = this.#builders.get(partition);
    if (builder === undefined) {
      builder = new BatchBuilder({ publisher: this.publisher, partition: partition % Limit.PARTITIONS });
      this.#builders.set(partition, builder);
    }
    return builder;
  }
}

/** All frames of an HTTP exchange, both directions. */
export function httpExchange(request: string, splitAt: readonly number[], port: number): Buffer[] {
  const turns: SessionSpec["turns"] = [
    { from: "client", data: request, splitAt }, { from: "server", data: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" },
  ];
  return [...tcpSession({ client: { ip: "192.168.1.10", port }, server: { ip: "10.0.0.5", port: 80 }, turns })].map(({ frame }) => frame);
}

/** The client's frames of an HTTP request whose data is cut at these offsets. */
export function httpRequest(request: string, splitAt: readonly number[], client: { ip?: string; port?: number } = {}): Buffer[] {
  const spec: SessionSpec = {
    client: { ip: client.ip ?? "192.168.1.10", port: client.port ?? 40_000 },
    server: { ip: "10.0.0.5", port: 80 },
    turns: [{ from: "client", data: request, splitAt }],
  };
  return [...tcpSession(spec)].filter(({ from }) => from === "client").map(({ frame }) => frame);
}
