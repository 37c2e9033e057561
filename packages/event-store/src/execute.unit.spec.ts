import fc from "fast-check";
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Decider } from "./decider.js";
import { HistoryRewound, RevisionConflict, StoreUnavailable } from "./errors.js";
import { CommandContention, executeCommand, loadState, type ExecuteOptions } from "./execute.js";
import { InMemoryEventStore } from "./in-memory.js";
import { StateCache } from "./state-cache.js";
import type { Appended, AppendOptions, EventStore } from "./store.js";

/** An account that must not be overdrawn: the smallest aggregate whose invariant a lost update would break. */
type Event = { type: "deposited" | "withdrawn"; amount: number };
type Command = { type: "deposit" | "withdraw"; amount: number };
interface Message {
  readonly events: readonly Event[];
}

class Overdrawn extends Error {}

const account: Decider<Command, Event, number> = {
  initialState: 0,
  decide: ({ type, amount }, balance) => {
    if (amount === 0) return [];
    if (type === "deposit") return [{ type: "deposited", amount }];
    if (amount > balance) throw new Overdrawn();
    return [{ type: "withdrawn", amount }];
  },
  evolve: (balance, { type, amount }) => (type === "deposited" ? balance + amount : balance - amount),
};

const options = (
  store: EventStore<Message>,
  command: Command,
  more: Partial<ExecuteOptions<Message, Command, Event, number>> = {},
): ExecuteOptions<Message, Command, Event, number> => ({
  store,
  decider: account,
  stream: "a",
  command,
  commandId: randomUUID(),
  toMessage: (events) => ({ events }),
  eventsOf: ({ events }) => events,
  ...more,
});

const deposit = (amount: number): Command => ({ type: "deposit", amount });
const withdraw = (amount: number): Command => ({ type: "withdraw", amount });

/** Lets a test act between the decision and the append. */
class Meddling extends InMemoryEventStore<Message> {
  before: (() => Promise<void>) | undefined;
  override async append(stream: string, message: Message, append: AppendOptions): Promise<Appended> {
    const { before } = this;
    this.before = undefined;
    await before?.();
    return super.append(stream, message, append);
  }
}

describe("executeCommand", () => {
  it("appends what was decided and gives revision, events and state", async () => {
    const store = new InMemoryEventStore<Message>();
    expect(await executeCommand(options(store, deposit(5)))).toEqual({
      revision: 1,
      events: [{ type: "deposited", amount: 5 }],
      state: 5,
      duplicate: false,
    });
    expect(await executeCommand(options(store, withdraw(3)))).toMatchObject({ revision: 2, state: 2 });
    expect(await loadState({ store, decider: account, stream: "a", eventsOf: ({ events }: Message) => events })).toMatchObject({
      revision: 2,
      state: 2,
    });
  });

  it("appends nothing when nothing was decided", async () => {
    const store = new InMemoryEventStore<Message>();
    await executeCommand(options(store, deposit(5)));
    expect(await executeCommand(options(store, deposit(0)))).toEqual({ revision: 1, events: [], state: 5, duplicate: false });
    expect(await store.head("a")).toBe(1);
  });

  it("passes a refusal on and appends nothing", async () => {
    const store = new InMemoryEventStore<Message>();
    await expect(executeCommand(options(store, withdraw(1)))).rejects.toBeInstanceOf(Overdrawn);
    expect(await store.head("a")).toBe(0);
  });

  it("decides again on the new state after a conflict", async () => {
    const store = new Meddling();
    await executeCommand(options(store, deposit(5)));
    store.before = async () => void (await executeCommand(options(store, withdraw(4))));
    await expect(executeCommand(options(store, withdraw(3)))).rejects.toBeInstanceOf(Overdrawn);
    store.before = async () => void (await executeCommand(options(store, deposit(4))));
    expect(await executeCommand(options(store, withdraw(1)))).toMatchObject({ state: 4, duplicate: false });
  });

  it("gives up after its retries, saying so", async () => {
    const store = new InMemoryEventStore<Message>();
    let attempts = 0;
    store.append = () => Promise.reject(new RevisionConflict("a", attempts++));
    await expect(executeCommand(options(store, deposit(1), { retries: 3 }))).rejects.toMatchObject({
      name: "CommandContention",
      attempts: 4,
    });
    expect(attempts).toBe(4);
    await expect(executeCommand(options(store, deposit(1), { retries: 0 }))).rejects.toBeInstanceOf(CommandContention);
  });

  it("passes on that the store is away", async () => {
    const store = new InMemoryEventStore<Message>();
    store.append = () => Promise.reject(new StoreUnavailable("append", "away", "unknown"));
    await expect(executeCommand(options(store, deposit(1)))).rejects.toMatchObject({
      name: "StoreUnavailable",
      stored: "unknown",
    });
  });

  for (const cached of [true, false]) {
    it(`answers a repeated command id as the first time, ${cached ? "with" : "without"} a cache, even if refused now`, async () => {
      const store = new InMemoryEventStore<Message>();
      const more = cached ? { cache: new StateCache<number>() } : {};
      await executeCommand(options(store, deposit(5), more));
      const commandId = randomUUID();
      const first = await executeCommand(options(store, withdraw(5), { ...more, commandId }));
      await executeCommand(options(store, deposit(1), more));
      expect(await executeCommand(options(store, withdraw(5), { ...more, commandId }))).toEqual({
        ...first,
        state: 1,
        duplicate: true,
      });
      expect(await store.head("a")).toBe(3);
    });
  }

  it("answers with the first result when the store alone remembers the command id", async () => {
    const store = new Meddling();
    const commandId = randomUUID();
    // The first attempt is stored, its answer is lost, and the retry decides before it sees it.
    store.before = async () =>
      void (await store.append("a", { events: [{ type: "deposited", amount: 7 }] }, { expectedRevision: 0, commandId }));
    expect(await executeCommand(options(store, deposit(7), { commandId }))).toEqual({
      revision: 1,
      events: [{ type: "deposited", amount: 7 }],
      state: 7,
      duplicate: true,
    });
  });

  it("refuses a command id that another stream has used", async () => {
    const store = new InMemoryEventStore<Message>();
    const commandId = randomUUID();
    await executeCommand(options(store, deposit(1), { commandId }));
    await expect(executeCommand(options(store, deposit(1), { commandId, stream: "b" }))).rejects.toThrow(
      /used before for another stream/,
    );
  });

  it("reads again from the start when the store lost history", async () => {
    const cache = new StateCache<number>();
    const full = new InMemoryEventStore<Message>();
    for (const amount of [1, 2, 3]) await executeCommand(options(full, deposit(amount), { cache }));
    const restored = new InMemoryEventStore<Message>();
    await executeCommand(options(restored, deposit(10)));
    await expect(restored.read("a", { after: 3 })[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(HistoryRewound);
    expect(await executeCommand(options(restored, deposit(1), { cache }))).toMatchObject({ revision: 2, state: 11 });
  });

  it("with a cache reads once, and then only after a conflict or before a refusal", async () => {
    const store = new InMemoryEventStore<Message>();
    const read = store.read.bind(store);
    const afters: (number | undefined)[] = [];
    store.read = (stream, more) => {
      afters.push(more?.after);
      return read(stream, more);
    };
    const cache = new StateCache<number>();
    for (let n = 0; n < 3; n++) await executeCommand(options(store, deposit(1), { cache }));
    expect(afters).toEqual([0]);
    await executeCommand(options(store, deposit(5))); // another writer, who reads for itself
    expect(afters.splice(0)).toEqual([0, 0]);
    expect(await executeCommand(options(store, withdraw(8), { cache }))).toMatchObject({ state: 0 });
    expect(afters.splice(0)).toEqual([3]); // 3 in memory would refuse it: the store is asked first
    await expect(executeCommand(options(store, withdraw(1), { cache }))).rejects.toBeInstanceOf(Overdrawn);
    expect(afters.splice(0)).toEqual([5]);
    await executeCommand(options(store, deposit(1)));
    expect(await executeCommand(options(store, deposit(1), { cache }))).toMatchObject({ state: 2 });
    expect(afters).toEqual([0, 5]); // the other writer's, then the one after the conflict
  });

  it("keeps the invariant under concurrent writers with and without shared caches", async () => {
    const command = fc.record({ type: fc.constantFrom("deposit" as const, "withdraw" as const), amount: fc.nat(20) });
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 25 }), fc.integer({ min: 1, max: 3 }), async (commands, writers) => {
        const store = new InMemoryEventStore<Message>();
        const caches = Array.from({ length: writers }, () => new StateCache<number>());
        const run = async (one: Command, n: number) =>
          executeCommand(options(store, one, { cache: caches[n % writers] ?? new StateCache(), retries: 100 })).catch(
            (error: unknown) => {
              if (!(error instanceof Overdrawn)) throw error;
              return undefined;
            },
          );
        const results = await Promise.all(commands.map(run));
        let balance = 0;
        const stored: Event[] = [];
        for await (const { message } of store.read("a")) {
          for (const event of message.events) {
            balance = account.evolve(balance, event);
            expect(balance).toBeGreaterThanOrEqual(0);
            stored.push(event);
          }
        }
        expect(stored).toHaveLength(results.filter((result) => (result?.events.length ?? 0) > 0).length);
      }),
      { numRuns: 60 },
    );
  });
});
