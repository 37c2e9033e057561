/** Packets and bytes of one counter, over all CPUs. */
export interface Tally {
  readonly packets: number;
  readonly bytes: number;
}

/** The maps of the first line of defence. */
export interface DefencePort {
  /** Puts a `struct protection` in force, whole. Resolves when it is. */
  setProtection(bytes: Uint8Array): Promise<void>;
  /** All counters, in the order of DEFENCE_COUNT. */
  counters(): readonly Tally[];
  /** CLOCK_MONOTONIC, ns, until which automatic protection is on (0: it never was), and how often it was turned on. */
  synState(): { readonly activeUntilNs: bigint; readonly turnedOn: number };
  /** `count` elements of the table of top talkers from `first` on, each with the values of all CPUs. */
  talkers(first: number, count: number): Uint8Array;
  /** Makes the map of addresses hold these (16 bytes as hexadecimal digits), and no others. */
  setSpaces(spaces: ReadonlyMap<string, number>): void;
  monotonicNs(): bigint;
}

/** What the defence must know of a network namespace whose interfaces are filtered. */
export interface NetworkFacts {
  readonly addresses: readonly string[];
  /** Sysctl net.ipv4.tcp_syncookies. */
  readonly synCookies: number;
}

/** Reads the facts of the agent's own namespace (undefined) or of the one at a path. */
export type ReadNetwork = (netns: string | undefined) => Promise<NetworkFacts>;
