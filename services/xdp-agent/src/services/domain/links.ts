/** A network interface of one namespace. */
export interface Link {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** "veth", "bridge", "vlan", ...; "" for hardware. */
  readonly kind: string;
  readonly peer?: number | undefined;
  /** The number that the kernel gave the peer's namespace, as seen from this one. */
  readonly peerNsid?: number | undefined;
  /** Name of the bridge it belongs to. */
  readonly master?: string | undefined;
  /** Of a VLAN device: the id, and the name of the link below. */
  readonly vlan?: { readonly id: number; readonly below: string } | undefined;
  readonly addresses: readonly string[];
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;

/** The six bytes of a hardware address; undefined where the link has none of this kind. */
export function macBytes(text: string): Uint8Array | undefined {
  return MAC.test(text) ? Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16)) : undefined;
}
