import { formatPrefix, parsePrefix, POLICY_LIMITS, ProblemError } from "@secuxflow/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalEntry, EntryLines, readEntryLines } from "./entry-lines.js";

const outcome = (read: () => string): string => {
  try {
    return read();
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  }
};
const read = (...parts: (string | Buffer)[]): Promise<EntryLines> =>
  readEntryLines((async function* () {
    for (const part of parts) yield Promise.resolve(part);
  })());
const problemOf = async (promise: Promise<unknown>): Promise<ProblemError> => {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof ProblemError) return error;
  throw new Error("it was taken");
};

describe("one entry", () => {
  const octet = fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), fc.constantFrom("0", "00", "01", "255", "256", ""));
  const length = fc.oneof(fc.integer({ min: 0, max: 40 }).map(String), fc.constantFrom("", "08", "-1"));
  const ipv4 = fc
    .tuple(fc.array(octet, { minLength: 3, maxLength: 5 }), fc.option(length))
    .map(([octets, bits]) => octets.join(".") + (bits === null ? "" : `/${bits}`));
  const prefix = fc
    .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }))
    .map(([address, bits]) => {
      const size = 2 ** (32 - bits);
      const first = address - (address % size);
      return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${bits}`;
    });

  it("is read the short way as the contracts read it", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, prefix, fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 20 })), (text) => {
        expect(outcome(() => canonicalEntry(text))).toBe(outcome(() => formatPrefix(parsePrefix(text))));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("lines", () => {
  it("are taken without remarks and blank lines, canonical and none twice", async () => {
    const lines = await read("# list\n10.0.0.1 ; SBL1\r\n\n10.0.0.1/32\n  10.0.0.0/24 # net\n2001:DB8:0::/32\n\t\n192.0.2.1");
    expect(lines.entries).toEqual(["10.0.0.1", "10.0.0.0/24", "2001:db8::/32", "192.0.2.1"]);
  });

  it("may be cut anywhere", async () => {
    const text = Buffer.from("10.0.0.1\n2001:db8::1\r\n# é\n10.1.0.0/16\n");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 5 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const parts = places.slice(1).map((to, index) => text.subarray(places[index], to));
        expect((await read(...parts)).entries).toEqual(["10.0.0.1", "2001:db8::1", "10.1.0.0/16"]);
      }),
    );
  });

  it("that are wrong are named all at once, by their numbers", async () => {
    const problem = await problemOf(read("10.0.0.1\n10.0.0.300\n\n10.0.0.1/8\nnonsense\n"));
    expect(problem.code).toBe("invalid_input");
    expect(problem.more.errors?.map(({ field }) => field)).toEqual(["line 2", "line 4", "line 5"]);
    expect(problem.message).toContain("line 2: ");
    const many = await problemOf(read("x\n".repeat(1_000)));
    expect(many.more.errors).toHaveLength(50);
  });

  it("that never end are a fault, and are not kept", async () => {
    const problem = await problemOf(read(...Array.from({ length: 100 }, () => "1".repeat(1_000))));
    expect(problem.message).toContain("a line is at most");
  });

  it("are no more than a set holds", () => {
    const lines = new EntryLines();
    for (let n = 0; n < POLICY_LIMITS.setEntries; n++) lines.write(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}\n`);
    expect(lines.end().entries).toHaveLength(POLICY_LIMITS.setEntries);
    lines.write("192.0.2.1\n192.0.2.2\n");
    expect(() => lines.end()).toThrow(/line 1048577: a set holds 1048576 entries at most/);
  });

  it("are no longer than the limit", async () => {
    const body = (async function* () {
      for (let n = 0; n < 4; n++) yield Promise.resolve("10.0.0.1\n".repeat(100));
    })();
    expect((await problemOf(readEntryLines(body, 2_000))).code).toBe("body_too_large");
  });
});
