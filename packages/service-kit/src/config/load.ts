import type { z } from "zod";
import { createRedactor, type Redactor } from "../logging/redact.js";
import { ConfigError, type ConfigProblem, type SettingSource } from "./errors.js";
import { readEnvironment, type FoundValue } from "./environment.js";
import { inputSchema, isSection, settingsOf, type EnvMap, type JsonSchema, type Setting } from "./settings.js";
import { nearest } from "./suggest.js";
import { isPlainMap, readConfigFile, unknownKeys, type ConfigFile } from "./yaml-file.js";

/** Where a configuration is read from. */
export interface LoadOptions<C> {
  /** a zod object; every leaf is a setting */
  schema: z.ZodType<C>;
  /** begins the name of every environment variable; default `SECUXFLOW_` */
  envPrefix?: string;
  /** other or more names of environment variables, by dotted path */
  envMap?: EnvMap;
  /** a YAML file; wins over the `<prefix>CONFIG` variable */
  file?: string;
  /** default `process.env` */
  env?: NodeJS.ProcessEnv;
}

/** A configuration that was accepted. */
export interface LoadedConfig<C> {
  value: C;
  /** values that must never be shown */
  secrets: string[];
  /** the file it was read from, if any */
  file: string | undefined;
  /** things that are probably mistakes, such as a mistyped environment variable */
  warnings: string[];
  /** the dotted path of each setting that was set, and where */
  sources: ReadonlyMap<string, SettingSource>;
}

/**
 * Reads the configuration from a YAML file and from the environment (which wins) and validates it.
 * @throws ConfigError with ALL problems at once; it holds no secret
 */
export function loadConfig<C>(options: LoadOptions<C>): LoadedConfig<C> {
  const { schema, envPrefix = "SECUXFLOW_", env = process.env } = options;
  const root = inputSchema(schema);
  const settings = settingsOf(root, envPrefix, options.envMap);
  const path = options.file ?? (env[`${envPrefix}CONFIG`] === "" ? undefined : env[`${envPrefix}CONFIG`]);
  const file = path === undefined ? undefined : readConfigFile(path);
  const fromEnv = readEnvironment(settings, env);

  const input = withSections(file?.data ?? {}, root);
  for (const found of fromEnv.values) put(input, found.setting.path, found.value);
  const sources = sourcesOf(settings, file, fromEnv.values);
  const secrets = secretsOf(settings, input);

  const problems: ConfigProblem[] = [...(file?.problems ?? []), ...fromEnv.problems];
  const unknown = file ? unknownKeys(file, root) : [];
  problems.push(...unknown);
  const result = schema.safeParse(input);
  if (!result.success) {
    const invalid = result.error.issues.map((issue) => problemOf(issue, settings, sources, file, input));
    // A file that could not be read says nothing about what is missing: only what the environment holds can be judged.
    const judged = file && file.problems.length > 0 ? invalid.filter((problem) => problem.source.kind === "env") : invalid;
    const told = new Set(problems.map((problem) => problem.field));
    problems.push(...judged.filter((problem) => !told.has(problem.field)));
  }
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => masked(problem, createRedactor(secrets))));
  if (!result.success) throw new ConfigError([]); // not reachable: a failed parse has issues
  return { value: result.data, secrets, file: path, warnings: mistypedVariables(settings, env, envPrefix), sources };
}

/** Gives every section that must be there an empty map, so that its fields' defaults apply and missing ones are named. */
function withSections(data: Record<string, unknown>, schema: JsonSchema): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...data };
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    if (!isSection(child)) continue;
    // A section with only comments below it reads as null.
    const value = copy[key] ?? undefined;
    if (isPlainMap(value)) copy[key] = withSections(value, child);
    else if (value === undefined && schema.required?.includes(key)) copy[key] = withSections({}, child);
    else if (value === undefined) delete copy[key];
  }
  return copy;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) target[key] = value;
  else {
    const next = target[key];
    const section: Record<string, unknown> = isPlainMap(next) ? next : {};
    target[key] = section;
    put(section, rest, value);
  }
}

function get(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined),
    data,
  );
}

function sourcesOf(settings: readonly Setting[], file: ConfigFile | undefined, env: readonly FoundValue[]): Map<string, SettingSource> {
  const sources = new Map<string, SettingSource>();
  for (const setting of settings) {
    if (file && get(file.data, setting.path) !== undefined) sources.set(setting.field, file.locate(setting.path));
  }
  for (const found of env) sources.set(found.setting.field, found.source);
  return sources;
}

function secretsOf(settings: readonly Setting[], input: unknown): string[] {
  const values = settings.filter((setting) => setting.secret).map((setting) => get(input, setting.path));
  return values.flat().filter((value): value is string => typeof value === "string" && value !== "");
}

function problemOf(
  issue: z.core.$ZodIssue,
  settings: readonly Setting[],
  sources: ReadonlyMap<string, SettingSource>,
  file: ConfigFile | undefined,
  input: unknown,
): ConfigProblem {
  const path = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
  const field = path.map(String).join(".");
  const setting = settings.find((candidate) => field === candidate.field || field.startsWith(`${candidate.field}.`));
  const value = get(input, path);
  const source = sourceOf(path, sources.get(setting?.field ?? field), value, file);
  if (value === undefined && issue.code !== "custom") {
    const names = setting && setting.env.length > 0 ? `, in ${setting.env[0]} or in the file` : "";
    return { field, source: { kind: "unset" }, message: "is missing", expected: `${setting?.expects ?? "a value"}${names}` };
  }
  // `schema.refine` and other checks over several settings speak for themselves.
  if (setting === undefined) return { field, source, message: issue.message };
  const shown = setting.secret ? "[secret]" : JSON.stringify(value).slice(0, 80);
  return { field, source, message: `${shown} is not accepted: ${issue.message}`, expected: setting.expects };
}

/** Where a value lies: inside a list or map of the file, the line of the very item. */
function sourceOf(path: PropertyKey[], known: SettingSource | undefined, value: unknown, file: ConfigFile | undefined): SettingSource {
  if (known !== undefined && known.kind !== "file") return known;
  return file && value !== undefined ? file.locate(path) : { kind: "unset" };
}

/** Secrets out of a problem: it quotes values, and a URL among them may hold a password. */
function masked(problem: ConfigProblem, redact: Redactor): ConfigProblem {
  return { ...problem, message: redact(problem.message), ...(problem.expected && { expected: redact(problem.expected) }) };
}

/** Variables that look like one of ours but are not. Others with the prefix are left alone: services share an environment. */
function mistypedVariables(settings: readonly Setting[], env: NodeJS.ProcessEnv, prefix: string): string[] {
  const known = settings.flatMap((setting) => setting.env.flatMap((name) => (setting.secret ? [name, `${name}_FILE`] : [name])));
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith(prefix) || known.includes(name) || name === `${prefix}CONFIG`) return [];
    const guess = nearest(name.slice(prefix.length), known.filter((k) => k.startsWith(prefix)).map((k) => k.slice(prefix.length)));
    return guess === undefined ? [] : [`environment variable ${name} is not a setting; did you mean ${prefix}${guess}?`];
  });
}
