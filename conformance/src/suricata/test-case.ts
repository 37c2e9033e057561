import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const Requires = z.looseObject({
  "min-version": z.union([z.string(), z.number()]).optional(),
  "gt-version": z.union([z.string(), z.number()]).optional(),
  "lt-version": z.union([z.string(), z.number()]).optional(),
  version: z.union([z.string(), z.number()]).optional(),
  features: z.array(z.string()).optional(),
  script: z.unknown().optional(),
  os: z.unknown().optional(),
  arch: z.unknown().optional(),
});
export type Requirements = z.output<typeof Requires>;

const Filter = z.looseObject({
  count: z.union([z.number(), z.string()]).optional(),
  "count-ge": z.number().optional(),
  filename: z.string().optional(),
  requires: Requires.nullish(),
  match: z.record(z.string(), z.unknown()),
});

const Document = z.looseObject({
  pcap: z.union([z.string(), z.boolean()]).nullish(),
  requires: Requires.nullish(),
  requirements: Requires.nullish(),
  args: z.array(z.union([z.string(), z.number()])).nullish(),
  env: z.record(z.string(), z.unknown()).nullish(),
  skip: z.unknown().optional(),
  checks: z.array(z.looseObject({ filter: Filter.optional() })).nullish(),
});

export interface Check {
  readonly count: number;
  readonly atLeast: boolean;
  readonly match: Readonly<Record<string, unknown>>;
  readonly requires: Requirements;
}

/** One folder of suricata-verify. */
export interface TestCase {
  readonly folder: string;
  readonly pcap: string | undefined;
  /** Rule files, in order. */
  readonly rules: readonly string[];
  readonly settings: unknown;
  readonly thresholds: string | undefined;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, unknown>>;
  readonly requires: Requirements;
  /** Checks on alerts and drops; those on other events are not ours. */
  readonly checks: readonly Check[];
}

const EVENTS: ReadonlySet<unknown> = new Set(["alert", "drop"]);

/**
 * Reads a test's folder.
 * @throws Error when test.yaml cannot be read
 */
export function readTestCase(file: string): TestCase {
  const folder = dirname(file);
  const document = Document.parse(parse(readFileSync(file, "utf8")));
  const given = (document.args ?? []).flatMap((line) => String(line).trim().split(/\s+/));
  // suricata-verify's runner goes by the name, too.
  const args = basename(folder).includes("ips") && !given.includes("--simulate-ips") ? [...given, "--simulate-ips"] : given;
  const config = join(folder, "suricata.yaml");
  const thresholds = join(folder, "threshold.config");
  return {
    folder,
    pcap: captureOf(folder, document.pcap),
    rules: rulesOf(folder, args),
    settings: existsSync(config) ? parse(readFileSync(config, "utf8").replace(/^%YAML.*$/m, "")) : undefined,
    thresholds: existsSync(thresholds) ? readFileSync(thresholds, "utf8") : undefined,
    args,
    env: document.env ?? {},
    requires: { ...document.requires, ...document.requirements },
    checks: (document.checks ?? []).flatMap(({ filter }) => {
      if (filter === undefined || !EVENTS.has(filter.match.event_type)) return [];
      if (filter.filename !== undefined && filter.filename !== "eve.json") return [];
      const atLeast = filter["count-ge"];
      return [{ count: atLeast ?? Number(filter.count ?? 1), atLeast: atLeast !== undefined, match: filter.match, requires: filter.requires ?? {} }];
    }),
  };
}

function captureOf(folder: string, named: string | boolean | null | undefined): string | undefined {
  if (typeof named === "string") return resolve(folder, named);
  const found = readdirSync(folder).filter((name) => /\.(pcap|pcapng|cap)$/.test(name)).sort()[0];
  return found === undefined ? undefined : join(folder, found);
}

/** `-S FILE` wins over the folder's own. */
function rulesOf(folder: string, args: readonly string[]): string[] {
  const option = args.findIndex((arg) => arg === "-S" || arg === "-s");
  const named = option < 0 ? undefined : args[option + 1]?.replace("${TEST_DIR}", folder);
  if (named !== undefined) return [resolve(folder, named)].filter((file) => existsSync(file));
  const own = readdirSync(folder).filter((name) => name.endsWith(".rules")).sort();
  return own.map((name) => join(folder, name));
}
