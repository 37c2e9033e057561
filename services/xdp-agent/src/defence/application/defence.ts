import { NO_PROTECTION, parseAddress, type Protection, type ProtectionStatus, type TopSources } from "@secuxflow/contracts";
import { DEFENCE_COUNT, SPACE, TALKERS } from "../domain/layout.js";
import { DEFAULT_SETTINGS, encodeProtection, type DefenceSettings } from "../domain/protection.js";
import { firstTalkerSet, readTalkers, TALKER_TABLES, TALKER_WINDOW_MS, talkerWindow, topTalkers, type Talker } from "../domain/talkers.js";
import type { DefencePort, ReadNetwork, Tally } from "./defence-port.js";

/** An address of a service, and the namespace its sockets are in, as the filtered interface's namespace numbers it. */
export interface ServiceSpace {
  readonly address: string;
  /** Id of the namespace (`ip netns list-id`, `link_netnsid`); undefined: the interface's own. */
  readonly nsid?: number | undefined;
}

export interface DefenceOptions {
  readonly port: DefencePort;
  readonly readNetwork: ReadNetwork;
  /** Namespaces whose interfaces are filtered; undefined is the agent's own. */
  readonly namespaces: readonly (string | undefined)[];
  readonly settings?: DefenceSettings;
}

const NOTHING: Tally = { packets: 0, bytes: 0 };
/** The rate of SYNs is measured over this time at least. */
const RATE_NS = 1_000_000_000n;
const MOST_SOURCES = 100;
/** An address that the host gets is guarded so much later at most. */
const REFRESH_MS = 10_000;

const hexAddress = (text: string): string => Buffer.from(parseAddress(text)).toString("hex");

/** SYN cookies, per-source limits and top talkers: configures the program, and tells what it does. */
export class Defence {
  readonly #options: DefenceOptions;
  readonly #settings: DefenceSettings;
  #protection: Protection = NO_PROTECTION;
  #configured = false;
  #services: readonly ServiceSpace[] = [];
  #addresses: readonly string[] = [];
  #problems: readonly string[] = [];
  #refreshing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #measured: { readonly atNs: bigint; readonly syns: number; readonly rate: number } | undefined;
  #top: { readonly window: number; readonly sources: Talker[]; readonly targets: Talker[] } | undefined;

  constructor(options: DefenceOptions) {
    this.#options = options;
    this.#settings = options.settings ?? DEFAULT_SETTINGS;
  }

  /** Puts the policy's protection in force, unless it is already. Until the first call what an earlier run left stays. */
  async configure(protection: Protection): Promise<void> {
    if (this.#configured && protection === this.#protection) return;
    this.#configured = true;
    this.#protection = protection;
    await this.#options.port.setProtection(encodeProtection(protection, this.#settings));
  }

  /** Reads this host's addresses now, and again in intervals. */
  start(): void {
    void this.refresh();
    this.#timer = setInterval(() => void this.refresh(), REFRESH_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#refreshing;
  }

  /** Says which services there are. Their addresses are guarded, and their connections known, from now on. */
  setServices(services: readonly ServiceSpace[]): void {
    this.#services = services;
    this.#writeSpaces();
  }

  /**
   * Reads this host's addresses again: they are guarded. Where a namespace cannot be read, what was known stays, and the
   * problem is told in the status. Never rejects.
   */
  refresh(): Promise<void> {
    return (this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    }));
  }

  status(): ProtectionStatus {
    const { port } = this.#options;
    const counters = port.counters();
    const count = (index: number): Tally => counters[index] ?? NOTHING;
    const now = port.monotonicNs();
    const syns = count(DEFENCE_COUNT.syns).packets;
    const { synCookies } = this.#protection;
    const problem = synCookies === "off" ? "" : this.#problems.join("; ");
    return {
      synCookiesActive: synCookies === "on" || (synCookies === "auto" && port.synState().activeUntilNs > now),
      synRate: this.#rate(syns, now), syns,
      cookiesSent: count(DEFENCE_COUNT.cookies).packets,
      cookiesValid: count(DEFENCE_COUNT.ackValid).packets,
      cookiesInvalid: count(DEFENCE_COUNT.ackInvalid).packets,
      overSourceLimit: count(DEFENCE_COUNT.sourceLimited),
      establishedPassed: count(DEFENCE_COUNT.established),
      ...(problem === "" ? {} : { problem }),
    };
  }

  /** Who sent most in the last whole window; estimates (see `readTalkers`). */
  topSources(limit = MOST_SOURCES): TopSources {
    return { windowMs: TALKER_WINDOW_MS, sources: this.#lastWindow().sources.slice(0, limit) };
  }

  /** Who was sent most in it. */
  topTargets(limit = MOST_SOURCES): Talker[] {
    return this.#lastWindow().targets.slice(0, limit);
  }

  #lastWindow(): { readonly sources: Talker[]; readonly targets: Talker[] } {
    const { port } = this.#options;
    const window = talkerWindow(port.monotonicNs()) - 1;
    if (this.#top?.window === window) return this.#top;
    const read = (table: number) => readTalkers(port.talkers(firstTalkerSet(table, window), TALKERS.sets), window);
    const both = ([packets, bytes]: readonly [number, number]): Talker[] => topTalkers(read(packets), read(bytes), MOST_SOURCES);
    this.#top = { window, sources: both(TALKER_TABLES.sources), targets: both(TALKER_TABLES.targets) };
    return this.#top;
  }

  #rate(syns: number, now: bigint): number {
    const before = this.#measured;
    if (before && now - before.atNs < RATE_NS) return before.rate;
    const rate = before ? Math.max(0, (syns - before.syns) / (Number(now - before.atNs) / 1e9)) : 0;
    this.#measured = { atNs: now, syns, rate };
    return rate;
  }

  async #refresh(): Promise<void> {
    const { namespaces, readNetwork } = this.#options;
    const problems: string[] = [];
    const addresses = new Set<string>();
    let complete = true;
    for (const netns of namespaces) {
      const where = netns === undefined ? "" : ` in ${netns}`;
      try {
        const facts = await readNetwork(netns);
        for (const address of facts.addresses) addresses.add(hexAddress(address));
        if (facts.synCookies === 0) problems.push(`sysctl net.ipv4.tcp_syncookies is 0${where}: the kernel makes no SYN cookies; set it to 1 or 2`);
      } catch (error) {
        complete = false;
        problems.push(`the addresses${where} cannot be read: ${(error as Error).message}`);
      }
    }
    if (!complete) for (const address of this.#addresses) addresses.add(address);
    this.#addresses = [...addresses];
    try {
      this.#writeSpaces();
    } catch (error) {
      problems.push(`the addresses cannot be written to the kernel: ${(error as Error).message}`);
    }
    this.#problems = problems;
  }

  #writeSpaces(): void {
    const spaces = new Map<string, number>();
    // Services last: an address of theirs may be one of the host's, too.
    for (const address of this.#addresses) spaces.set(address, SPACE.own);
    for (const { address, nsid } of this.#services) spaces.set(hexAddress(address), nsid ?? SPACE.own);
    const kept = new Map([...spaces].slice(-SPACE.entries));
    this.#options.port.setSpaces(kept);
  }
}
