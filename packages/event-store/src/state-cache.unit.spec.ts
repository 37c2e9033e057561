import { describe, expect, it } from "vitest";
import { StoreUnavailable } from "./errors.js";
import { fold, REMEMBERED_COMMANDS, StateCache, type Folded } from "./state-cache.js";

const folded = (revision: number): Folded<number> => ({ revision, state: revision * 10, commands: new Map() });
const stored = (revision: number, commandId = `c${revision}`) => ({
  revision,
  time: new Date(0),
  message: [revision],
  commandId,
});
const add = (folding: Folded<number>, revision: number, id?: string): Folded<number> =>
  fold(
    folding,
    stored(revision, id),
    (sum: number, n: number) => sum + n,
    (message) => message,
  );

describe("StateCache", () => {
  it("keeps the newest of each stream", () => {
    const cache = new StateCache<number>();
    cache.set("p", folded(2));
    cache.set("p", folded(1));
    expect(cache.get("p")?.revision).toBe(2);
    cache.forget("p");
    expect(cache.get("p")).toBeUndefined();
  });

  it("keeps 64 streams and forgets the one set longest ago", () => {
    const cache = new StateCache<number>();
    for (let n = 0; n < 64; n++) cache.set(`s${n}`, folded(1));
    cache.set("s0", folded(2));
    cache.set("new", folded(1));
    expect([cache.get("s0")?.revision, cache.get("s1"), cache.get("new")?.revision]).toEqual([2, undefined, 1]);
  });

  it("runs one command of a stream at a time, in order, also after a failure", async () => {
    const cache = new StateCache<number>();
    const log: string[] = [];
    const run = (name: string, fail = false) =>
      cache.exclusively("p", async () => {
        log.push(`${name}+`);
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`${name}-`);
        if (fail) throw new Error(name);
        return name;
      });
    const results = await Promise.allSettled([run("a"), run("b", true), run("c")]);
    expect(log).toEqual(["a+", "a-", "b+", "b-", "c+", "c-"]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("refuses the 257th that waits, and takes new ones afterwards", async () => {
    const cache = new StateCache<number>();
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const waiting = Array.from({ length: 256 }, () => cache.exclusively("p", () => gate));
    await expect(cache.exclusively("p", () => gate)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(cache.exclusively("q", () => Promise.resolve(1))).resolves.toBe(1);
    release();
    await Promise.all(waiting);
    await expect(cache.exclusively("p", () => Promise.resolve(2))).resolves.toBe(2);
  });
});

describe("fold", () => {
  it("adds a message's events and remembers its command", () => {
    const result = add({ revision: 3, state: 1, commands: new Map() }, 5);
    expect(result).toEqual({ revision: 5, state: 6, commands: new Map([["c5", 5]]) });
  });

  it("ignores a message it has seen", () => {
    const before = folded(5);
    expect(add(before, 5)).toBe(before);
    expect(add(before, 4)).toBe(before);
  });

  it("remembers a bounded number of commands, forgetting the oldest", () => {
    let all = folded(0);
    for (let n = 1; n <= REMEMBERED_COMMANDS + 2; n++) all = add(all, n);
    expect(all.commands.size).toBe(REMEMBERED_COMMANDS);
    expect([all.commands.has("c1"), all.commands.has("c2"), all.commands.has("c3")]).toEqual([false, false, true]);
  });
});
