import { describe, expect, it } from "vitest";
import { Handover } from "./handover.js";

const at = (partition: number, publisher: string, next: string) => ({ partition, publisher, next });

describe("Handover", () => {
  it("tells once where another had come to", () => {
    const handover = new Handover("me");
    handover.hear({ inspectorId: "other", released: false, positions: [at(3, "ff", "10"), at(3, "1", "7"), at(4, "ff", "1")] });
    handover.hear({ inspectorId: "other", released: false, positions: [at(3, "ff", "12")] });
    expect([...handover.take(3)]).toEqual([[255n, 12n], [1n, 7n]]);
    expect([...handover.take(3)]).toEqual([]);
  });

  it("knows of nothing lost where a partition was given up in order, and does not listen to itself", () => {
    const handover = new Handover("me");
    handover.hear({ inspectorId: "other", released: false, positions: [at(3, "ff", "10")] });
    handover.hear({ inspectorId: "other", released: true, positions: [at(3, "ff", "11")] });
    handover.hear({ inspectorId: "me", released: false, positions: [at(4, "ff", "10")] });
    expect([...handover.take(3), ...handover.take(4)]).toEqual([]);
  });

  it("remembers a bounded number of publishers", () => {
    const handover = new Handover("me");
    for (let n = 0; n < 300; n++) handover.hear({ inspectorId: "other", released: false, positions: [at(1, n.toString(16), "1")] });
    expect(handover.take(1).size).toBe(256);
  });
});
