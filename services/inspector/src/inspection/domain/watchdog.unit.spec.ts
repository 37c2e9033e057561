import { describe, expect, it } from "vitest";
import { Watchdog } from "./watchdog.js";

const at = (calls: number, slot = 2, loading = false) => ({ calls, slot, loading });

describe("Watchdog", () => {
  it("names the module whose call was seen too often", () => {
    const dog = new Watchdog(3, 5);
    expect([1, 1, 1, 1].map((calls) => dog.look(at(calls)))).toEqual([undefined, undefined, undefined, 2]);
  });

  it("is patient with calls that change, with rest, and with loading", () => {
    const dog = new Watchdog(2, 4);
    expect([1, 3, 3, 5, 5, 6, 6, 6, 6].map((calls) => dog.look(at(calls)))).toEqual(new Array(9).fill(undefined));
    expect([7, 7, 7, 7, 7].map((calls) => dog.look(at(calls, 1, true)))).toEqual([undefined, undefined, undefined, undefined, 1]);
  });
});
