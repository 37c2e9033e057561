import { BUCKETS, FRAME_PARTITIONS, TOKEN_PATTERN } from "@secuxflow/contracts";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { Bucket, KeyConflict, type KeyEntry } from "../kv/bucket.js";
import { liveMembers, planLeases, type Lease, type LeaseAction, type Member } from "./lease-view.js";

export interface LeaseManagerOptions {
  readonly pool: string;
  readonly inspectorId: string;
  /** Default 64; the same for every member of a pool. */
  readonly partitions?: number;
  /** A member that was not heard for this long has lost its leases; default 1,500. The same for every member of a pool. */
  readonly ttlMs?: number;
  /** This process owns the partition from now on. The epoch (a KV revision) grows with every owner. */
  readonly onGained: (partition: number, epoch: number) => void;
  /** It does not own it any more; called before anybody else can gain it, as far as clocks allow. */
  readonly onLost: (partition: number) => void;
}

const Heartbeat = z.object({
  instance: z.string(),
  /** Counts up with each heartbeat of the instance. */
  count: z.number().int(),
  /** Revision of the instance's first heartbeat, 0 in that one. */
  since: z.number().int(),
});
type Heartbeat = z.infer<typeof Heartbeat>;

const LeaseValue = z.object({ holder: z.string() });

const FORGET_AFTER_TTLS = 20;
/**
 * Share of the ttl after which a member that does not hear itself gives up. The others wait for the whole ttl: what is left
 * is for timers that fire late, on a busy machine up to a tenth of the ttl and more.
 */
const GIVE_UP_AFTER_TTLS = 0.8;

/**
 * Divides the partitions of a pool among its live members.
 *
 * Each member writes a heartbeat every ttl/5 under `<pool>.member.<id>` and watches the pool's keys. Who owns what follows
 * from rendezvous hashing over the members heard of within the ttl; a partition's key `<pool>.<partition>` is written (by
 * compare and set) only when it changes hands, and its revision is the epoch.
 *
 * A member holds leases only while its own heartbeats come back through its watch: it counts from the moment it sent the
 * heartbeat and gives up after four fifths of the ttl; the others count from when they saw it, which is later, and wait for
 * the whole ttl. So it gives up before they take over, whether its connection, its watch or NATS is what broke. The server's own expiry is not used: it runs once a second, and watchers
 * never see it.
 */
export class LeaseManager {
  readonly #bucket: Bucket;
  readonly #partitions: number;
  readonly #ttlMs: number;
  readonly #instance = randomUUID();
  readonly #holder: string;
  readonly #memberPrefix: string;
  readonly #members = new Map<string, Member & { readonly time: number }>();
  readonly #leases = new Map<number, Lease>();
  readonly #held = new Map<number, number>();
  /** Partitions with a write under way. */
  readonly #busy = new Set<number>();
  /** When each heartbeat that has not come back yet was sent, by its count. */
  readonly #sent = new Map<number, number>();
  readonly #stopping = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #timers: NodeJS.Timeout[] = [];
  #unlisten: () => void = () => undefined;
  #count = 0;
  #since = 0;
  #confirmedAt = -Infinity;
  #beating: Promise<unknown> | undefined;
  #snapshot: { keys: Set<string>; first: boolean } | undefined = { keys: new Set(), first: true };
  #problem: string | undefined = "starting";

  /** @throws RangeError for a pool or id that cannot be part of a key */
  constructor(
    private readonly link: NatsLink,
    private readonly options: LeaseManagerOptions,
  ) {
    for (const name of [options.pool, options.inspectorId]) {
      if (!TOKEN_PATTERN.test(name))
        throw new RangeError(`${JSON.stringify(name)} cannot be part of a lease's key: use 1 to 64 of A-Z a-z 0-9 _ -`);
    }
    this.#ttlMs = options.ttlMs ?? 1_500;
    this.#partitions = options.partitions ?? FRAME_PARTITIONS;
    this.#bucket = new Bucket(link, BUCKETS.leases, this.#ttlMs);
    this.#holder = `${options.inspectorId}/${this.#instance}`;
    this.#memberPrefix = `${options.pool}.member.`;
  }

  /** Joins the pool. Works in the background until `stop`; NATS may be away. */
  start(): void {
    const { signal } = this.#stopping;
    this.#timers = [setInterval(() => this.#beat(), this.#ttlMs / 5), setInterval(() => this.#evaluate(), this.#ttlMs / 15)];
    this.#unlisten = this.link.onState(() => this.#beat());
    this.#beat();
    this.#watching = this.#bucket
      .watch({
        filter: `${this.options.pool}.>`,
        signal,
        onBegin: () => (this.#snapshot = { keys: new Set(), first: this.#snapshot?.first ?? false }),
        onEntry: (entry) => this.#see(entry),
        onCaughtUp: () => this.#caughtUp(),
      })
      .catch((error: unknown) => {
        this.#problem = `watching the leases ended: ${reasonOf(error)}`;
        this.#giveUp(this.#problem);
      });
  }

  /** Leaves the pool: gives up every lease and tells the others, so that they take over at once. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return this.#watching;
    this.#end();
    const held = [...this.#held];
    this.#giveUp("stopping");
    await this.#watching;
    // A heartbeat that arrived after the farewell would keep this member alive for a ttl.
    await this.#beating;
    const leave = [
      ...held.map(([partition, epoch]) => this.#bucket.delete(this.#partitionKey(partition), epoch)),
      this.#bucket.delete(this.#memberPrefix + this.options.inspectorId),
    ];
    // With NATS away the others find out by themselves.
    await Promise.allSettled(leave);
  }

  /** Epoch by partition owned now. */
  held(): ReadonlyMap<number, number> {
    return new Map(this.#held);
  }

  /** Members heard of within the ttl, this one included. */
  members(): string[] {
    return [...this.#live()].sort();
  }

  /** Why this process holds no leases, or undefined when all is well. */
  problem(): string | undefined {
    return this.#problem;
  }

  #live(): Set<string> {
    return liveMembers(this.#view(), performance.now(), this.#ttlMs);
  }

  #view() {
    const self = { id: this.options.inspectorId, holder: this.#holder };
    return { self, members: this.#members, leases: this.#leases, held: this.#held };
  }

  #beat(): void {
    if (this.#beating !== undefined || this.#stopping.signal.aborted || this.link.state() !== "connected") return;
    this.#beating = this.#sendBeat().finally(() => (this.#beating = undefined));
  }

  async #sendBeat(): Promise<void> {
    this.#count += 1;
    const beat: Heartbeat = { instance: this.#instance, count: this.#count, since: this.#since };
    this.#sent.set(this.#count, performance.now());
    // Those that never came back are of no use when they are older than the ttl.
    for (const [count, sentAt] of this.#sent) if (performance.now() - sentAt > this.#ttlMs) this.#sent.delete(count);
    try {
      const revision = await this.#bucket.put(this.#memberPrefix + this.options.inspectorId, JSON.stringify(beat));
      if (this.#since === 0) this.#since = revision;
    } catch (error) {
      this.link.log.debug({ pool: this.options.pool, reason: reasonOf(error) }, "a lease heartbeat failed");
    }
  }

  #see(entry: KeyEntry): void {
    this.#snapshot?.keys.add(entry.key);
    const value = parse(entry);
    if (entry.key.startsWith(this.#memberPrefix)) this.#seeMember(entry.key.slice(this.#memberPrefix.length), entry, value);
    else this.#seeLease(entry, value);
    if (this.#snapshot === undefined) this.#evaluate();
  }

  #seeMember(id: string, entry: KeyEntry, value: unknown): void {
    const beat = Heartbeat.safeParse(value);
    if (!beat.success) {
      this.#members.delete(id);
    } else if (id !== this.options.inspectorId) {
      if (this.#members.get(id)?.revision === entry.revision && this.#snapshot === undefined) return;
      this.#members.set(id, { revision: entry.revision, seenAt: performance.now(), time: entry.time.getTime() });
    } else if (beat.data.instance === this.#instance) {
      this.#members.set(id, { revision: entry.revision, seenAt: performance.now(), time: entry.time.getTime() });
      this.#confirmedAt = Math.max(this.#confirmedAt, this.#sent.get(beat.data.count) ?? -Infinity);
      this.#sent.delete(beat.data.count);
    } else if (this.#since !== 0 && (beat.data.since || entry.revision) > this.#since) {
      this.#displaced();
    }
  }

  #seeLease(entry: KeyEntry, value: unknown): void {
    const partition = Number(entry.key.slice(this.options.pool.length + 1));
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.#partitions) return;
    const lease = LeaseValue.safeParse(value);
    this.#setLease(partition, { holder: lease.success ? lease.data.holder : undefined, revision: entry.revision });
  }

  /** The answer to a write and the watch tell the same news in any order: the newest counts. */
  #setLease(partition: number, lease: Lease): void {
    if ((this.#leases.get(partition)?.revision ?? 0) <= lease.revision) this.#leases.set(partition, lease);
  }

  #caughtUp(): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    this.#snapshot = undefined;
    const mine = this.#members.get(this.options.inspectorId)?.time;
    for (const [id, member] of this.#members) {
      const gone = !snapshot.keys.has(this.#memberPrefix + id);
      // At the start, who was silent for long by the server's clock need not be waited for.
      const dead = snapshot.first && mine !== undefined && mine - member.time > 2 * this.#ttlMs;
      if (gone) this.#members.delete(id);
      else if (dead) this.#members.set(id, { ...member, seenAt: -Infinity });
    }
    for (const partition of this.#leases.keys()) {
      if (!snapshot.keys.has(this.#partitionKey(partition))) this.#leases.delete(partition);
    }
    this.#evaluate();
  }

  #evaluate(): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#silent()) {
      return this.#giveUp(
        this.link.state() === "connected" ? "its heartbeats do not come back" : `NATS is away: ${this.link.status().detail}`,
      );
    }
    if (this.#snapshot !== undefined) return;
    this.#problem = undefined;
    this.#forgetDead();
    for (const action of planLeases(this.#view(), this.#partitions, this.#live())) {
      if (!this.#busy.has(action.partition)) void this.#carryOut(action);
    }
  }

  async #carryOut(action: LeaseAction): Promise<void> {
    const { partition } = action;
    if (action.kind === "lost") return this.#lose(partition);
    this.#busy.add(partition);
    try {
      const key = this.#partitionKey(partition);
      if (action.kind === "release") {
        this.#lose(partition);
        this.#setLease(partition, { holder: undefined, revision: await this.#bucket.delete(key, action.expected) });
      } else {
        const revision = await this.#bucket.put(key, JSON.stringify({ holder: this.#holder }), action.expected);
        this.#setLease(partition, { holder: this.#holder, revision });
        this.#gain(partition, revision);
      }
    } catch (error) {
      // Somebody was faster: the watch tells who. NATS away: the next evaluation looks again.
      if (!(error instanceof KeyConflict))
        this.link.log.debug({ ...action, reason: reasonOf(error) }, "a lease could not be written");
    } finally {
      this.#busy.delete(partition);
    }
  }

  #gain(partition: number, epoch: number): void {
    if (this.#silent() || this.#stopping.signal.aborted || (this.#leases.get(partition)?.revision ?? 0) > epoch) return;
    this.#held.set(partition, epoch);
    this.#call(() => this.options.onGained(partition, epoch));
  }

  /** This member's own heartbeats have not come back for so long that the others may soon take it for dead. */
  #silent(): boolean {
    return performance.now() - this.#confirmedAt >= this.#ttlMs * GIVE_UP_AFTER_TTLS;
  }

  #lose(partition: number): void {
    if (this.#held.delete(partition)) this.#call(() => this.options.onLost(partition));
  }

  #giveUp(reason: string): void {
    if (this.#held.size > 0)
      this.link.log.warn({ pool: this.options.pool, partitions: this.#held.size, reason }, "giving up all leases");
    this.#problem = reason;
    for (const partition of [...this.#held.keys()]) this.#lose(partition);
  }

  /** A newer process runs under the same inspector id: two of them would inspect the same flows. */
  #displaced(): void {
    const reason = `another process runs as inspector "${this.options.inspectorId}": give each its own id`;
    this.link.log.error({ pool: this.options.pool }, reason);
    this.#end();
    this.#giveUp(reason);
  }

  #end(): void {
    this.#stopping.abort();
    this.#unlisten();
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Takes the keys of members away that were silent for long, so that they do not pile up. */
  #forgetDead(): void {
    const oldest = performance.now() - FORGET_AFTER_TTLS * this.#ttlMs;
    for (const [id, { seenAt, revision }] of this.#members) {
      if (seenAt >= oldest || id === this.options.inspectorId) continue;
      this.#members.delete(id);
      this.#bucket.forget(revision).catch((error: unknown) => {
        this.link.log.debug({ member: id, reason: reasonOf(error) }, "a dead member's key could not be taken away");
      });
    }
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.link.log.error({ pool: this.options.pool, err: error }, "a lease callback failed");
    }
  }

  #partitionKey(partition: number): string {
    return `${this.options.pool}.${partition}`;
  }
}

function parse(entry: KeyEntry): unknown {
  if (entry.value === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(entry.value));
  } catch {
    return undefined;
  }
}
