import { describe, expect, it } from "vitest";
import { waitFor, WaitTimeoutError } from "./wait-for.js";

describe("waitFor", () => {
  it("returns the first truthy value", async () => {
    let calls = 0;
    expect(await waitFor(() => ++calls >= 3 && `after ${calls}`, { what: "three looks" })).toBe("after 3");
    expect(await waitFor(() => Promise.resolve({ ready: true }), { what: "a promise" })).toEqual({ ready: true });
  });

  it("takes an error for a condition not yet met", async () => {
    let calls = 0;
    const flaky = (): string => {
      if (++calls < 3) throw new Error("refused");
      return "up";
    };
    expect(await waitFor(flaky, { what: "the server" })).toBe("up");
  });

  it("says what it waited for and what it saw last", async () => {
    const options = { what: "the answer", deadlineMs: 30, intervalMs: 1 };
    const wait = waitFor(() => false, options);
    await expect(wait).rejects.toThrow("waited 30 ms for the answer; last seen: false");
    await expect(wait).rejects.toBeInstanceOf(WaitTimeoutError);
    await expect(waitFor(() => Promise.reject(new Error("ECONNREFUSED")), options)).rejects.toThrow(
      "last seen: Error: ECONNREFUSED",
    );
    const long = await waitFor(() => Promise.reject(new Error("x".repeat(10_000))), options).catch(
      (error: unknown) => error as Error,
    );
    expect(String(long)).toHaveLength(2_000 + "WaitTimeoutError: waited 30 ms for the answer; last seen: …".length);
  });

  it("does not hang on a condition that hangs, and then reports the look before", async () => {
    const never = new Promise<number>(() => undefined);
    await expect(waitFor(() => never, { what: "silence", deadlineMs: 20 })).rejects.toThrow("the condition did not answer");
    let calls = 0;
    const options = { what: "silence", deadlineMs: 20, intervalMs: 1 };
    await expect(waitFor(() => (calls++ === 0 ? 0 : never), options)).rejects.toThrow("last seen: 0");
  });

  it("stops at once when it shall give up", async () => {
    const giveUp = (): Error => new Error("the process has ended");
    await expect(waitFor(() => false, { what: "it", deadlineMs: 1e9, giveUp })).rejects.toThrow("the process has ended");
  });
});
