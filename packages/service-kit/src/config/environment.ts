import { readFileSync } from "node:fs";
import type { ConfigProblem, SettingSource } from "./errors.js";
import type { JsonSchema, Setting } from "./settings.js";

const MAX_SECRET_FILE_BYTES = 64 * 1024;

/** A value of one setting and where it was found. */
export interface FoundValue {
  setting: Setting;
  value: unknown;
  source: SettingSource;
}

export interface EnvironmentValues {
  values: FoundValue[];
  problems: ConfigProblem[];
}

/**
 * Reads every setting that the environment holds. An empty variable counts as not set (compose files pass those on).
 * A secret may come from the file named by `<NAME>_FILE`; one line break at its end is dropped.
 */
export function readEnvironment(settings: readonly Setting[], env: NodeJS.ProcessEnv): EnvironmentValues {
  const values: FoundValue[] = [];
  const problems: ConfigProblem[] = [];
  for (const setting of settings) {
    const name = setting.env.find((candidate) => isSet(env[candidate]));
    const fileName = setting.secret ? setting.env.map((e) => `${e}_FILE`).find((e) => isSet(env[e])) : undefined;
    if (name !== undefined && fileName !== undefined) {
      problems.push({
        field: setting.field,
        source: { kind: "env", name: fileName },
        message: `both ${name} and ${fileName} are set`,
        expected: "only one of them",
      });
    } else if (name !== undefined) {
      const source: SettingSource = { kind: "env", name };
      values.push({ setting, value: fromText(env[name] ?? "", setting.schema), source });
    } else if (fileName !== undefined) {
      const path = env[fileName] ?? "";
      const source: SettingSource = { kind: "secret-file", name: fileName, path };
      const text = readSecretFile(path);
      if (typeof text === "string") values.push({ setting, value: text, source });
      else problems.push({ field: setting.field, source, message: text.problem, expected: "a readable file that holds the secret" });
    }
  }
  return { values, problems };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}

function readSecretFile(path: string): string | { problem: string } {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_SECRET_FILE_BYTES) return { problem: `the file is larger than ${MAX_SECRET_FILE_BYTES} bytes` };
    return bytes.toString("utf8").replace(/\r?\n$/, "");
  } catch (error) {
    return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` };
  }
}

/**
 * Turns the text of an environment variable into the type that the schema wants. Text that does not fit is handed on
 * as it is: validation then says what is wrong with it.
 */
function fromText(text: string, schema: JsonSchema): unknown {
  const types = [schema.type ?? []].flat();
  if (types.includes("boolean")) return { true: true, yes: true, on: true, "1": true, false: false, no: false, off: false, "0": false }[
    text.trim().toLowerCase()
  ] ?? text;
  if (types.includes("integer") || types.includes("number")) {
    return /^\s*-?\d+(\.\d+)?(e\d+)?\s*$/i.test(text) ? Number(text) : text;
  }
  if (types.includes("array")) return text.trimStart().startsWith("[") ? fromJson(text) : fromList(text, schema.items ?? {});
  if (types.includes("object") || (types.length === 0 && /^\s*[{[]/.test(text))) return fromJson(text);
  return text;
}

function fromList(text: string, items: JsonSchema): unknown[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "").map((part) => fromText(part, items));
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
