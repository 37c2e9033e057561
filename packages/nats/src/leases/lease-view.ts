import { ownerOf } from "./rendezvous.js";

/** A member's last heartbeat, as this process sees it. */
export interface Member {
  readonly revision: number;
  /** When it was seen, on this process's monotonic clock (ms). */
  readonly seenAt: number;
}

/** A partition's key. Without an owner it was released. */
export interface Lease {
  /** `<inspector>/<instance>` of the holder. */
  readonly holder: string | undefined;
  readonly revision: number;
}

export interface LeaseView {
  readonly self: { readonly id: string; readonly holder: string };
  readonly members: ReadonlyMap<string, Member>;
  readonly leases: ReadonlyMap<number, Lease>;
  /** Partitions held here, with the revision they were taken at. */
  readonly held: ReadonlyMap<number, number>;
}

/** What to do with one partition. `expected` is the revision its key must stand at. */
export type LeaseAction =
  | { readonly kind: "acquire"; readonly partition: number; readonly expected: number }
  /** Give it to the member that should own it. */
  | { readonly kind: "release"; readonly partition: number; readonly expected: number }
  /** Somebody else has it already. */
  | { readonly kind: "lost"; readonly partition: number };

export const memberOf = (holder: string): string => holder.slice(0, holder.lastIndexOf("/"));

/** Members whose heartbeat was seen within `ttlMs`, and this process itself. */
export function liveMembers(view: LeaseView, now: number, ttlMs: number): Set<string> {
  const live = new Set([view.self.id]);
  for (const [id, { seenAt }] of view.members) if (now - seenAt < ttlMs) live.add(id);
  return live;
}

/**
 * Compares who should own each partition with who does. Pure. A partition of another live member is never taken: that
 * member sees by itself that it should go and releases it.
 */
export function planLeases(view: LeaseView, partitions: number, live: ReadonlySet<string>): LeaseAction[] {
  const actions: LeaseAction[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const action = planOne(view, partition, ownerOf(partition, live) === view.self.id, live);
    if (action !== undefined) actions.push(action);
  }
  return actions;
}

function planOne(
  { self, leases, held }: LeaseView,
  partition: number,
  wanted: boolean,
  live: ReadonlySet<string>,
): LeaseAction | undefined {
  const lease = leases.get(partition);
  const epoch = held.get(partition);
  const expected = lease?.revision ?? 0;
  if (epoch !== undefined && expected > epoch) return { kind: "lost", partition };
  if (epoch !== undefined) return wanted ? undefined : { kind: "release", partition, expected: epoch };
  // An acquisition or a release whose outcome was not known then.
  if (lease?.holder === self.holder) return { kind: wanted ? "acquire" : "release", partition, expected };
  if (!wanted) return undefined;
  const holder = lease?.holder === undefined ? undefined : memberOf(lease.holder);
  const free = holder === undefined || holder === self.id || !live.has(holder);
  return free ? { kind: "acquire", partition, expected } : undefined;
}
