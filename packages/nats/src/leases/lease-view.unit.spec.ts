import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { liveMembers, memberOf, planLeases, type Lease, type LeaseView, type Member } from "./lease-view.js";
import { ownerOf } from "./rendezvous.js";

const PARTITIONS = 16;

const view = (more: Partial<LeaseView> = {}): LeaseView => ({
  self: { id: "a", holder: "a/1" },
  members: new Map(),
  leases: new Map(),
  held: new Map(),
  ...more,
});
const seen = (seenAt: number): Member => ({ revision: 1, seenAt });
/** A partition that the rendezvous of a and b gives to `owner`. */
const partitionOf = (owner: string): number => {
  for (let partition = 0; ; partition++) if (ownerOf(partition, ["a", "b"]) === owner) return partition;
};
const plan = (more: Partial<LeaseView>, live: string[], partition: number) =>
  planLeases(view(more), PARTITIONS, new Set(live)).find((action) => action.partition === partition);
const MINE = partitionOf("a");
const THEIRS = partitionOf("b");

describe("liveMembers", () => {
  it("are those seen within the ttl, and oneself always", () => {
    const members = new Map([
      ["b", seen(100)],
      ["c", seen(99)],
      ["a", seen(-1_000)],
    ]);
    expect(liveMembers(view({ members }), 1_100, 1_001)).toEqual(new Set(["a", "b"]));
    expect(liveMembers(view({ members }), 1_100, 1_002)).toEqual(new Set(["a", "b", "c"]));
    expect(liveMembers(view({ members }), 1_100, 1_000)).toEqual(new Set(["a"]));
  });
});

describe("planLeases", () => {
  const lease = (holder: string | undefined, revision: number): ReadonlyMap<number, Lease> =>
    new Map([MINE, THEIRS].map((p) => [p, { holder, revision }]));

  it("takes what is free: never written, released, of a dead member, of an earlier process of the same id", () => {
    expect(plan({}, ["a", "b"], MINE)).toEqual({ kind: "acquire", partition: MINE, expected: 0 });
    expect(plan({ leases: lease(undefined, 7) }, ["a", "b"], MINE)).toEqual({ kind: "acquire", partition: MINE, expected: 7 });
    expect(plan({ leases: lease("c/1", 7) }, ["a", "b"], MINE)).toEqual({ kind: "acquire", partition: MINE, expected: 7 });
    expect(plan({ leases: lease("a/0", 7) }, ["a", "b"], MINE)).toEqual({ kind: "acquire", partition: MINE, expected: 7 });
  });

  it("waits for a live member to hand over", () => {
    expect(plan({ leases: lease("b/1", 7) }, ["a", "b"], MINE)).toBeUndefined();
  });

  it("leaves alone what others should own", () => {
    expect(plan({}, ["a", "b"], THEIRS)).toBeUndefined();
    expect(plan({ leases: lease("b/1", 7) }, ["a", "b"], THEIRS)).toBeUndefined();
  });

  it("keeps what it holds and should", () => {
    expect(plan({ leases: lease("a/1", 7), held: new Map([[MINE, 7]]) }, ["a", "b"], MINE)).toBeUndefined();
  });

  it("hands over what another should own", () => {
    const held = new Map([[THEIRS, 7]]);
    expect(plan({ leases: lease("a/1", 7), held }, ["a", "b"], THEIRS)).toEqual({
      kind: "release",
      partition: THEIRS,
      expected: 7,
    });
  });

  it("has lost what was written after it", () => {
    expect(plan({ leases: lease("b/1", 8), held: new Map([[MINE, 7]]) }, ["a", "b"], MINE)).toEqual({
      kind: "lost",
      partition: MINE,
    });
  });

  it("finishes a write whose outcome it did not learn", () => {
    expect(plan({ leases: lease("a/1", 9) }, ["a", "b"], MINE)).toEqual({ kind: "acquire", partition: MINE, expected: 9 });
    expect(plan({ leases: lease("a/1", 9) }, ["a", "b"], THEIRS)).toEqual({ kind: "release", partition: THEIRS, expected: 9 });
  });

  it("splits a holder into member and instance", () => {
    expect(memberOf("host-1/abc")).toBe("host-1");
  });

  it("ends with every partition at its rendezvous owner and never two holders, from any start, in any order of steps", () => {
    interface Key {
      holder: string | undefined;
      revision: number;
    }
    const ids = ["a", "b", "c"];
    const start = fc.array(fc.constantFrom(undefined, "a/1", "b/1", "c/1", "gone/1"), {
      minLength: PARTITIONS,
      maxLength: PARTITIONS,
    });
    fc.assert(
      fc.property(start, fc.infiniteStream(fc.nat(2)), (holders, order) => {
        let revision = 100;
        const keys = new Map<number, Key>(holders.map((holder, partition) => [partition, { holder, revision: partition + 1 }]));
        const held = new Map(ids.map((id) => [id, new Map<number, number>()]));
        const live = new Set(ids);
        // Each step lets one member plan on what it sees and carry out its plan with compare and set.
        for (let step = 0; step < 30; step++) {
          const id = ids[order.next().value as number] ?? "a";
          const mine = held.get(id) ?? new Map<number, number>();
          for (const action of planLeases(
            view({ self: { id, holder: `${id}/1` }, leases: keys, held: mine }),
            PARTITIONS,
            live,
          )) {
            const key = keys.get(action.partition);
            if (action.kind !== "acquire") mine.delete(action.partition);
            if (action.kind === "lost" || key?.revision !== action.expected) continue;
            keys.set(action.partition, { holder: action.kind === "acquire" ? `${id}/1` : undefined, revision: ++revision });
            if (action.kind === "acquire") mine.set(action.partition, revision);
          }
          for (let partition = 0; partition < PARTITIONS; partition++) {
            expect(ids.filter((one) => held.get(one)?.has(partition)).length).toBeLessThanOrEqual(1);
          }
        }
        // Then everyone gets two turns.
        for (const id of [...ids, ...ids]) {
          const mine = held.get(id) ?? new Map<number, number>();
          for (const action of planLeases(
            view({ self: { id, holder: `${id}/1` }, leases: keys, held: mine }),
            PARTITIONS,
            live,
          )) {
            if (action.kind !== "acquire") mine.delete(action.partition);
            if (action.kind === "lost") continue;
            keys.set(action.partition, { holder: action.kind === "acquire" ? `${id}/1` : undefined, revision: ++revision });
            if (action.kind === "acquire") mine.set(action.partition, revision);
          }
        }
        for (let partition = 0; partition < PARTITIONS; partition++) {
          expect(ids.filter((id) => held.get(id)?.has(partition))).toEqual([ownerOf(partition, ids)]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
