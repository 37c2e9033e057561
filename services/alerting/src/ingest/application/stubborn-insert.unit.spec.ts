import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Database } from "../../storage/domain/database.js";
import { StorageRefused, StorageUnavailable } from "../../storage/domain/errors.js";
import type { IngestMeter, Log } from "./ports.js";
import { InsertAborted, StubbornInsert } from "./stubborn-insert.js";

const log: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A database that holds what it is given, fails as often as told, and refuses negative numbers as whole inserts. */
function setup(failures = 0) {
  const stored: number[] = [];
  const counted = { inserted: 0, retried: 0, refused: 0 };
  const meter: IngestMeter = {
    received: () => undefined,
    suppressed: () => undefined,
    malformed: () => undefined,
    inserted: (rows) => (counted.inserted += rows),
    retried: () => counted.retried++,
    refused: (rows) => (counted.refused += rows),
  };
  const database = {
    insert: (_: string, rows: { n: number }[]) => {
      if (failures-- > 0) return Promise.reject(new StorageUnavailable("away"));
      if (rows.some((row) => row.n < 0)) return Promise.reject(new StorageRefused("negative", 6));
      stored.push(...rows.map((row) => row.n));
      return Promise.resolve();
    },
  } as unknown as Database;
  const inserter = new StubbornInsert({
    table: "t",
    database: () => Promise.resolve(database),
    meter,
    log,
    firstDelayMs: 1,
    maxDelayMs: 2,
  });
  return { stored, counted, inserter };
}

describe("an insert that goes on until it is done", () => {
  const never = new AbortController().signal;

  it("tries again with the same rows", async () => {
    const { stored, counted, inserter } = setup(4);
    const insert = inserter.insert([{ n: 1 }, { n: 2 }], never);
    await expect(insert).resolves.toEqual([]);
    expect([stored, counted, inserter.problem]).toEqual([[1, 2], { inserted: 2, retried: 4, refused: 0 }, undefined]);
  });

  it("gives back exactly the rows that are refused, and stores each other one once (property)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -3, max: 10 }), { maxLength: 40 }),
        fc.nat({ max: 2 }),
        async (numbers, failures) => {
          const { stored, counted, inserter } = setup(failures);
          const refused = await inserter.insert(
            numbers.map((n) => ({ n })),
            never,
          );
          expect(refused.map((row) => row.n)).toEqual(numbers.filter((n) => n < 0));
          expect(stored).toEqual(numbers.filter((n) => n >= 0));
          expect(counted.refused).toBe(refused.length);
        },
      ),
    );
  });

  it("ends when it is told to stop, and says what the problem is meanwhile", async () => {
    const stop = new AbortController();
    const { stored, counted, inserter } = setup(Number.MAX_SAFE_INTEGER);
    const insert = inserter.insert([{ n: 1 }], stop.signal);
    const outcome = expect(insert).rejects.toThrow(InsertAborted);
    while (counted.retried < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(inserter.problem).toContain("away");
    stop.abort();
    await outcome;
    expect(stored).toEqual([]);
  });
});
