import { documents, files, graphql, rest, signIn } from "./apis.js";
import { hard, provocations } from "./hard.js";
import { fetching, forms, pages, searching } from "./pages.js";
import type { Group } from "./pages.js";
import type { Ordinary } from "./request.js";

const groups: readonly (readonly [name: string, make: () => Group])[] = [
  ["pages", pages], ["searches", searching], ["forms", forms], ["fetches", fetching], ["rest", rest], ["graphql", graphql], ["documents", documents], ["sign-in", signIn], ["files", files], ["provocations", provocations], ["hard", hard],
];

/** All requests, each once, in a fixed order. */
export function corpus(): Ordinary[] {
  const seen = new Set<string>();
  return groups.flatMap(([name, make]) =>
    make().flatMap((request, i) => {
      const text = request.toString("latin1");
      if (seen.has(text)) return [];
      seen.add(text);
      return [{ id: `${name}-${i + 1}`, request, hard: name === "hard" || name === "provocations" }];
    }),
  );
}
