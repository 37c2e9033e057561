import { ADDRESSES, UPLINK, type Topology } from "@secuxflow/lab";
import { buildFrame, decodeFrame, type Capture, type CapturedFrame, type FrameSpec, type Interface, type Namespace, type SendOptions } from "@secuxflow/testkit";

/** A packet of a test: from the attacker to the shop unless it says otherwise. */
export type Packet = Omit<FrameSpec, "eth" | "ipv4"> & { readonly ipv4?: Partial<NonNullable<FrameSpec["ipv4"]>> };

/** Where probes mark their end: no rule of a test may match it. */
const END = { src: "192.168.2.99", port: 9 } as const;
const IDS = 0xffff;

/**
 * Sends packets of our own making to the protected host's uplink and sees which of them reach the container. Each has an
 * IPv4 identification of its own, by which it is known again; a last packet that nothing stops tells that all others, sent
 * before it, have arrived or never will.
 */
export class Prober {
  #id = 0;

  private constructor(
    private readonly internet: Namespace, private readonly near: Interface, private readonly uplink: Interface, private readonly capture: Capture,
  ) {}

  static async create({ lab, host, container }: Topology): Promise<Prober> {
    const internet = lab.get("internet");
    const filter = ({ direction, data }: CapturedFrame): boolean => direction === "in" && decodeFrame(data).ipv4 !== undefined;
    return new Prober(internet, await internet.interface("host0"), await host.interface(UPLINK), await container.capture("eth0", { filter }));
  }

  /** Sends packets in order and returns the names of those that reached the container. */
  async arrived<T extends string>(packets: Readonly<Record<T, Packet>>): Promise<T[]> {
    const names = Object.keys(packets) as T[];
    const ids = await this.#sendAll(names.map((name) => packets[name]), {});
    const there = this.#idsThere();
    return names.filter((_, i) => there.has(ids[i] ?? -1));
  }

  /** Sends one packet many times, each with its own identification; returns how many reached the container. */
  async count(packet: Packet, times: number, options: SendOptions = {}): Promise<number> {
    const ids = await this.#sendAll(Array.from({ length: times }, () => packet), options);
    const there = this.#idsThere();
    return ids.filter((id) => there.has(id)).length;
  }

  /** Sends packets towards the host and does not look what becomes of them. */
  async send(packets: readonly Packet[], options: SendOptions = {}): Promise<void> {
    await this.internet.send("host0", packets.map((packet) => this.#frame(packet, this.#nextId())), options);
  }

  stop(): Promise<unknown> {
    return this.capture.stop();
  }

  async #sendAll(packets: readonly Packet[], options: SendOptions): Promise<number[]> {
    const ids = packets.map(() => this.#nextId());
    const last = this.#nextId();
    const end: Packet = { ipv4: { src: END.src }, udp: { srcPort: END.port, dstPort: END.port }, payload: "end" };
    const frames = packets.map((packet, i) => this.#frame(packet, ids[i] ?? 0));
    await this.internet.send("host0", [...frames, this.#frame(end, last)], options);
    await this.capture.waitFor(({ data }) => {
      const { ipv4 } = decodeFrame(data);
      return ipv4?.src === END.src && ipv4.id === last;
    }, 20_000, "the packet that ends a probe");
    return ids;
  }

  /** Identifications of what has arrived so far; they are all from probes of this one, which have no two alike. */
  #idsThere(): Set<number> {
    return new Set(this.capture.frames.map(({ data }) => decodeFrame(data).ipv4?.id ?? -1));
  }

  #nextId(): number {
    if (this.#id === IDS) throw new Error(`a prober sends ${IDS} packets at most: they are told apart by 16 bits`);
    return ++this.#id;
  }

  #frame({ ipv4, ...rest }: Packet, id: number): Uint8Array {
    return buildFrame({ ...rest, eth: { src: this.near.mac, dst: this.uplink.mac }, ipv4: { src: ADDRESSES.attacker, dst: ADDRESSES.service, ...ipv4, id } });
  }
}
