/** Inputs that failed once: corpus/<target>/*.json. Every test run feeds them again. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";
import { formatFinding, keyOf, parseFinding, type Finding } from "./input.js";

const FOLDER = join(repoRoot(), "fuzz/corpus");

/** Those of a target, by file name. */
export function readFindings(target: string): { readonly file: string; readonly finding: Finding }[] {
  const folder = join(FOLDER, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.endsWith(".json")).sort()
    .map((file) => ({ file, finding: parseFinding(readFileSync(join(folder, file), "utf8")) }));
}

/** Keeps a finding; the same input is kept once. @returns its name below fuzz/corpus */
export function keepInput(finding: Finding): string {
  const name = `${createHash("sha256").update(keyOf(finding.input)).digest("hex").slice(0, 12)}.json`;
  mkdirSync(join(FOLDER, finding.target), { recursive: true });
  writeFileSync(join(FOLDER, finding.target, name), formatFinding(finding));
  return `${finding.target}/${name}`;
}
