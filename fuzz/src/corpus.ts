/** Cases that were found once, and are judged again by every test. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";
import { formatCase, parseCase, type Case } from "./case.js";
import type { Finding } from "./run.js";
import type { SideBySide } from "./side-by-side.js";

const FOLDER = join(repoRoot(), "fuzz/corpus");

/** All cases, by file name. */
export function readCorpus(): { readonly file: string; readonly case: Case }[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith(".json")).sort().map((file) => ({ file, case: parseCase(readFileSync(join(FOLDER, file), "utf8")) }));
}

/** Judges the corpus. @returns what differs */
export async function replayCorpus(bench: SideBySide): Promise<{ readonly file: string; readonly what: string }[]> {
  const wrong = [];
  for (const { file, case: known } of readCorpus()) {
    const mismatch = await bench.replay(known);
    if (mismatch) wrong.push({ file, what: `frame ${mismatch.index}: ${mismatch.what}` });
  }
  return wrong;
}

/** Keeps a finding as a file; the same case is kept once. @returns its name */
export function keepFinding({ what, case: found }: Finding): string {
  const text = formatCase({ ...found, note: `${what} (${found.note})` });
  const file = `found-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.json`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, file), text);
  return file;
}
