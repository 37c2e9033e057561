import { describe, expect, it } from "vitest";
import { FilterModel } from "../model/filter.js";
import { bytesOf, tablePolicy } from "./frames.js";
import { ACTION_TABLE, IN, MATCH_TABLE } from "./match-table.js";

describe("the model", () => {
  it.each(MATCH_TABLE)("takes what a rule takes: $name", ({ rule, matches, nearly }) => {
    const model = new FilterModel(tablePolicy([rule]));
    expect(matches.map((sample) => model.judge(bytesOf(sample), IN).verdict)).toEqual(matches.map(() => "drop"));
    expect(nearly.map((sample) => model.judge(bytesOf(sample), IN).verdict)).toEqual(nearly.map(() => "pass"));
  });

  it.each(ACTION_TABLE)("acts as a rule says: $name", ({ rules, packets }) => {
    const model = new FilterModel(tablePolicy(rules));
    const judged = packets.map(({ frame }) => model.judge(bytesOf(frame), IN));
    expect(judged.map(({ verdict }) => verdict === "pass")).toEqual(packets.map(({ passes }) => passes));
    expect(judged.map(({ rule, monitors }) => [...(monitors ?? []), ...(rule === undefined ? [] : [rule])].sort())).toEqual(packets.map(({ counts }) => counts));
  });
});
