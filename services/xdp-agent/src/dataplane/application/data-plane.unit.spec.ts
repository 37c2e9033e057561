import { emptyPolicy, evolve, policyState, type FilterRule, type PolicyEvent, type PolicyState } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TouchedByEvents } from "../../policy/domain/touched.js";
import { FakeCompiler } from "../../testing/fake-compiler.js";
import { FakeKernel } from "../../testing/fake-kernel.js";
import { policyInKernel, policyMeant } from "../../testing/kernel-model.js";
import { forward, moduleBinding, rule } from "../../testing/policies.js";
import { readHead } from "../domain/generation.js";
import { HEAD_FLAG, KERNEL_LIMITS, NO_IMAGE } from "../domain/layout.js";
import { PolicyNotApplicable } from "../domain/names.js";
import { DataPlane, type DataPlaneOptions } from "./data-plane.js";
import { ImageRefused } from "./image-compiler.js";

/** No image is compiled by a timer: the test says when. */
const QUIET = { largeOverlayMs: 1e8, smallOverlayMs: 1e8 };

class Harness {
  readonly kernel: FakeKernel;
  readonly compiler = new FakeCompiler();
  plane: DataPlane;
  state: PolicyState = emptyPolicy;
  revision = 0;
  readonly touched = new TouchedByEvents();
  readonly #more: Partial<DataPlaneOptions>;

  constructor(more: Partial<DataPlaneOptions> = {}, imageBytes?: number) {
    this.kernel = new FakeKernel(imageBytes).endGracePeriodsByThemselves();
    this.#more = { tuning: QUIET, wallNowMs: () => 0, ...more };
    this.plane = this.#start();
    const { kernel } = this;
    const activate = kernel.activate.bind(kernel);
    kernel.activate = (generation) => {
      if (this.#standing) expect(policyInKernel(kernel)).toEqual(this.#standing);
      activate(generation);
    };
  }

  /** Whatever is written before a swap must not show: the policy before stands unchanged until the store. */
  #standing: ReturnType<typeof policyInKernel> | undefined;

  #start(): DataPlane {
    return new DataPlane({ kernel: this.kernel, compiler: this.compiler, ...this.#more });
  }

  /** What a killed agent leaves is what stands in the maps. */
  restart(): void {
    this.plane = this.#start();
  }

  fold(...events: PolicyEvent[]): void {
    this.state = events.reduce(evolve, this.state);
    for (const event of events) this.touched.add(event);
    this.revision += 1;
  }

  async apply(): Promise<void> {
    const touched = this.touched.take();
    try {
      await this.plane.apply({ revision: this.revision, state: this.state, touched: touched.rules });
    } catch (error) {
      this.touched.giveBack(touched);
      throw error;
    }
  }

  async put(...events: PolicyEvent[]): Promise<void> {
    this.fold(...events);
    await this.apply();
  }

  head() {
    return readHead(this.kernel.generations[this.kernel.active()] ?? new Uint8Array());
  }

  expectInForce(ifindexes?: (name: string) => readonly number[]): void {
    this.#standing = policyInKernel(this.kernel);
    expect(this.#standing).toEqual({ revision: this.revision, records: policyMeant(this.state, ifindexes) });
  }
}

const added = (one: FilterRule): PolicyEvent => ({ type: "rule.added", version: 1, data: { rule: one } });
const many = (from: number, count: number, more: Partial<FilterRule> = {}): PolicyEvent =>
  ({ type: "rules.added", version: 1, data: { rules: Array.from({ length: count }, (_, i) => rule(from + i, { dst: `10.${i >> 8 & 255}.${i & 255}.1`, ...more })) } });
const deleted = (id: number): PolicyEvent => ({ type: "rule.deleted", version: 1, data: { id } });

describe("DataPlane", () => {
  it("writes only generations that no packet reads", async () => {
    const h = new Harness();
    const kernel = new FakeKernel();
    const plane = new DataPlane({ kernel, compiler: h.compiler, tuning: QUIET });
    const apply = (revision: number): Promise<void> =>
      plane.apply({ revision, state: policyState({ rules: [rule(revision)] }), touched: new Set([revision, revision - 1]) });
    const spare = KERNEL_LIMITS.generations - 1;
    for (let revision = 1; revision <= spare; revision++) await apply(revision);
    expect(new Set([0, ...kernel.activated]).size).toBe(KERNEL_LIMITS.generations);
    const next = apply(spare + 1);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(plane.revision).toBe(spare);
    kernel.endGracePeriodsByThemselves();
    await next;
    expect(plane.revision).toBe(spare + 1);
  });

  it("waits for a grace period that began after the swap before it uses a generation again", async () => {
    const kernel = new FakeKernel();
    const plane = new DataPlane({ kernel, compiler: new FakeCompiler(), tuning: QUIET });
    let waitingAtSwap = -1;
    kernel.activate = ((activate) => (generation: number) => {
      waitingAtSwap = kernel.waiting;
      activate.call(kernel, generation);
    })(kernel.activate.bind(kernel));
    await plane.apply({ revision: 1, state: policyState({ rules: [rule(1)] }), touched: "all" });
    expect(waitingAtSwap).toBe(0);
    await Promise.resolve();
    expect(kernel.waiting).toBe(1);
  });

  it("keeps the counters of rules that stay and zeroes those of new ones before they count", async () => {
    const h = new Harness();
    await h.put(added(rule(10)), added(rule(11)));
    const before = h.plane.ruleCounter(11);
    await h.put(deleted(10), added(rule(12)));
    expect(h.plane.ruleCounter(11)).toEqual(before);
    expect(h.kernel.zeroed).toHaveLength(3);
    expect(h.plane.ruleCounter(10)).toBeUndefined();
  });

  it("does not give a deleted rule's counter to a new rule before the grace period", async () => {
    const kernel = new FakeKernel();
    const plane = new DataPlane({ kernel, compiler: new FakeCompiler(), tuning: QUIET });
    await plane.apply({ revision: 1, state: policyState({ rules: [rule(1)] }), touched: "all" });
    const old = plane.ruleCounter(1);
    await plane.apply({ revision: 2, state: emptyPolicy, touched: "all" });
    await plane.apply({ revision: 3, state: policyState({ rules: [rule(2)] }), touched: "all" });
    expect(plane.ruleCounter(2)).not.toEqual(old);
  });

  it("compiles an image where the overlay cannot hold a change, and puts later ones beside it", async () => {
    const h = new Harness();
    await h.put(many(1, 300));
    expect(h.head()).toMatchObject({ rules: 0, image: 0 });
    h.expectInForce();
    await h.put(deleted(7), added(rule(1_000)));
    expect(h.compiler.compiled).toBe(1);
    expect(h.head()).toMatchObject({ rules: 1, image: 0 });
    h.expectInForce();
  });

  it("moves the overlay into an image in the background, with what changes meanwhile", async () => {
    const h = new Harness();
    await h.put(many(1, 100));
    h.compiler.holdNext = true;
    const settling = h.plane.settle();
    await new Promise(setImmediate);
    await h.put(deleted(5), added(rule(500)), added(rule(501)));
    await h.put(deleted(500));
    h.compiler.release();
    await settling;
    expect(h.head()).toMatchObject({ rules: 1, image: 0 });
    h.expectInForce();
  });

  it("gives up an image in the background where a change needs one of its own", async () => {
    const problems: (string | undefined)[] = [];
    const h = new Harness({ onProblem: (problem) => problems.push(problem) });
    await h.put(many(1, 100));
    h.compiler.holdNext = true;
    const settling = h.plane.settle();
    await new Promise(setImmediate);
    await h.put(many(1_000, 400));
    await settling;
    expect(problems).toEqual([]);
    h.expectInForce();
  });

  it("takes a small policy out of its image", async () => {
    const h = new Harness();
    await h.put(many(1, 300));
    await h.put({ type: "rules.cleared", version: 1, data: { ids: Array.from({ length: 295 }, (_, i) => i + 1) } });
    await h.plane.settle();
    expect(h.head()).toMatchObject({ rules: 5, image: NO_IMAGE });
    h.expectInForce();
  });

  it("refuses what exceeds the maps, with the policy before still in force, and goes on from there", async () => {
    const h = new Harness({}, 128 * 401);
    await h.put(many(1, 300));
    const standing = policyInKernel(h.kernel);
    h.fold(many(1_000, 300));
    await expect(h.apply()).rejects.toThrow(ImageRefused);
    expect(policyInKernel(h.kernel)).toEqual(standing);
    expect(h.plane.revision).toBe(1);
    await h.put({ type: "rules.cleared", version: 1, data: { ids: Array.from({ length: 250 }, (_, i) => 1_000 + i) } });
    h.expectInForce();
  });

  it("refuses rules that name what is not there, and forwarding rules that need too many records", async () => {
    const h = new Harness();
    await h.put(added(rule(1)), { type: "module.registered", version: 1, data: { module: moduleBinding("ips", 3) } });
    h.fold(added(rule(2, { src: "@nobody" })));
    await expect(h.apply()).rejects.toThrow(PolicyNotApplicable);
    h.fold(deleted(2));
    h.fold({ type: "forward.added", version: 1, data: { forward: forward(1, { proto: "tcp", port: "1,3,5,7,9,11,13,15,17", sport: "1,3,5,7,9,11,13,15,17" }) } });
    await expect(h.apply()).rejects.toThrow(/81 records/);
    await h.put({ type: "forward.deleted", version: 1, data: { id: 1 } }, { type: "forward.added", version: 1, data: { forward: forward(2) } });
    h.expectInForce();
    expect([...h.plane.forwardCounters().keys()]).toEqual([2]);
  });

  it("uses the counters of rules that go for those that come only where there are no others", async () => {
    const h = new Harness({}, 128 * 140_000);
    const some = (from: number, count: number): PolicyState => policyState({ rules: Array.from({ length: count }, (_, i) => ({ ...template, id: from + i })) });
    const template = rule(1);
    await h.plane.apply({ revision: 1, state: some(1, 70_000), touched: "all" });
    h.kernel.zeroed.length = 0;
    await h.plane.apply({ revision: 2, state: some(100_000, 70_000), touched: "all" });
    await new Promise(setImmediate);
    expect(h.kernel.zeroed).toHaveLength(70_000);
    await expect(h.plane.apply({ revision: 3, state: some(1, KERNEL_LIMITS.rules + 1), touched: "all" })).rejects.toThrow(/131073 rules/);
    expect(h.plane.revision).toBe(2);
  }, 60_000);

  it("says in the head what the program need not ask without", async () => {
    const h = new Harness();
    await h.put(added(rule(1)));
    expect(h.head()?.flags).toBe(0);
    await h.put(added(rule(2, { proto: "tcp", state: "established" })), many(10, 40),
      { type: "protection.changed", version: 1, data: { protection: { synCookies: "off", synRate: 1, establishedPass: true } } });
    expect(h.head()?.flags).toBe(HEAD_FLAG.state | HEAD_FLAG.establishedPass);
    await h.plane.settle();
    expect(h.head()?.flags).toBe(HEAD_FLAG.state | HEAD_FLAG.establishedPass | HEAD_FLAG.cache);
    await h.put(deleted(2));
    expect((h.head()?.flags ?? 0) & HEAD_FLAG.state).toBe(0);
  });

  it("encodes rules that name interfaces anew when these come and go", async () => {
    let indexes: readonly number[] = [];
    const ifindexes = (name: string): readonly number[] => (name === "eth0" ? indexes : []);
    const h = new Harness({ ifindexes });
    await h.put(added(rule(1, { iface: "eth0" })), added(rule(2)));
    h.expectInForce(ifindexes);
    indexes = [4, 9];
    await h.plane.refreshInterfaces();
    h.expectInForce(ifindexes);
    const swaps = h.kernel.activated.length;
    await h.plane.refreshInterfaces();
    expect(h.kernel.activated).toHaveLength(swaps);
  });
});

// ---- random sequences

const smallId = fc.integer({ min: 1, max: 60 });
const address = fc.constantFrom("any", "10.0.0.0/8", "10.0.0.1", "2001:db8::/32", "@bad", "@good");
const anyRule = fc.record({
  id: smallId, src: address, priority: fc.constantFrom(1, 1_000), action: fc.constantFrom("drop", "pass"), port: fc.constantFrom(undefined, 80, "1-5,9", "1,3,5,7"),
}).map(({ port, ...one }) => rule(one.id, { ...one, action: one.action, ...(port === undefined ? {} : { proto: "tcp", port }) }));
const entries = fc.uniqueArray(fc.constantFrom("192.0.2.1", "192.0.2.0/24", "2001:db8::1", "198.51.100.7"), { maxLength: 3 });
const anyEvent: fc.Arbitrary<PolicyEvent> = fc.oneof(
  { weight: 6, arbitrary: anyRule.map(added) },
  { weight: 2, arbitrary: smallId.map(deleted) },
  { weight: 1, arbitrary: fc.array(smallId, { maxLength: 30 }).map((ids): PolicyEvent => ({ type: "rules.cleared", version: 1, data: { ids } })) },
  { weight: 1, arbitrary: fc.array(anyRule, { minLength: 1, maxLength: 80 }).map((rules): PolicyEvent => ({ type: "rules.added", version: 1, data: { rules } })) },
  { weight: 1, arbitrary: fc.array(anyRule, { maxLength: 40 }).map((rules): PolicyEvent => ({ type: "rules.replaced", version: 1, data: { rules } })) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("bad", "good"), entries).map(([name, list]): PolicyEvent => ({ type: "set.replaced", version: 1, data: { name, entries: list } })) },
  { weight: 1, arbitrary: fc.tuple(smallId, address).map(([id, src]): PolicyEvent => ({ type: "forward.added", version: 1, data: { forward: forward(id, { src }) } })) },
  { weight: 1, arbitrary: fc.array(smallId).map((ids): PolicyEvent => ({ type: "forwards.cleared", version: 1, data: { ids } })) },
);
type Step = { readonly kind: "put"; readonly events: PolicyEvent[] } | { readonly kind: "settle" | "restart" | "during" };
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.array(anyEvent, { minLength: 1, maxLength: 6 }).map((events): Step => ({ kind: "put", events })) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "settle" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "restart" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "during" }) },
);

describe("DataPlane, random sequences", () => {
  it("has in force, after each change, what encoding the whole policy anew would give", async () => {
    let images = 0;
    await fc.assert(fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 20 }), async (steps) => {
      const h = new Harness({ tuning: { ...QUIET, smallRecords: 4 } });
      await h.put(
        { type: "module.registered", version: 1, data: { module: moduleBinding("ips", 3) } },
        { type: "set.created", version: 1, data: { name: "bad", entries: ["192.0.2.9"] } }, { type: "set.created", version: 1, data: { name: "good", entries: [] } },
      );
      let settling: Promise<void> | undefined;
      const settled = async (): Promise<void> => {
        h.compiler.holdNext = false;
        h.compiler.release();
        await settling;
        settling = undefined;
      };
      for (const step of steps) {
        if (step.kind === "put") {
          await h.put(...step.events);
        } else if (step.kind === "settle") {
          await settled();
          await h.plane.settle();
        } else if (step.kind === "during" && settling === undefined) {
          h.compiler.holdNext = true;
          settling = h.plane.settle();
          await new Promise(setImmediate);
        } else if (step.kind === "restart") {
          await settled();
          h.restart();
          if (!h.plane.adopt(h.state)) h.touched.all();
        }
        h.expectInForce();
      }
      images += h.compiler.compiled;
    }), { numRuns: 200 });
    expect(images).toBeGreaterThan(50);
  }, 60_000);
});
