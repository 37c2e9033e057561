import { z } from "zod";

/** The part of JSON Schema that zod emits and that settings are read from. `secret` and `expects` are our own metadata. */
export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  minItems?: number;
  default?: unknown;
  description?: string;
  secret?: boolean;
  expects?: string;
}

/** One value that can be set: a leaf of the configuration schema. */
export interface Setting {
  path: readonly string[];
  /** dotted path, as errors show it */
  field: string;
  /** environment variables it is read from; the first that is set wins */
  env: readonly string[];
  /** what is accepted, in words */
  expects: string;
  description: string | undefined;
  /** value when nothing is set, as JSON sees it */
  default: unknown;
  required: boolean;
  secret: boolean;
  schema: JsonSchema;
}

/** Extra or other names of environment variables, by the dotted path of the setting. */
export type EnvMap = Readonly<Record<string, string | readonly string[]>>;

/** Environment variable of a setting: `maxQueue` under `nats` with prefix `SECUXFLOW_` is `SECUXFLOW_NATS_MAX_QUEUE`. */
export function envName(prefix: string, path: readonly string[]): string {
  const words = path.map((part) => part.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_"));
  return prefix + words.join("_").toUpperCase();
}

/** What a zod object accepts, seen from outside (before defaults and transforms). */
export function inputSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

/** True for a schema with fixed fields: its fields are settings of their own. */
export function isSection(schema: JsonSchema): boolean {
  return schema.type === "object" && schema.properties !== undefined;
}

/**
 * All settings of a configuration schema, in the order they are declared.
 * @throws Error when two settings would be read from one environment variable (a mistake of the programmer)
 */
export function settingsOf(root: JsonSchema, envPrefix: string, envMap: EnvMap = {}): Setting[] {
  const settings: Setting[] = [];
  const visit = (node: JsonSchema, path: string[], required: boolean) => {
    if (isSection(node)) {
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        visit(child, [...path, key], required && (node.required?.includes(key) ?? false));
      }
      return;
    }
    const field = path.join(".");
    const mapped = envMap[field];
    settings.push({
      path,
      field,
      env: mapped === undefined ? [envName(envPrefix, path)] : [mapped].flat(),
      expects: expectation(node),
      description: node.description,
      default: node.default,
      required: required && node.default === undefined,
      secret: node.secret === true,
      schema: node,
    });
  };
  visit(root, [], true);
  checkNames(settings, envMap);
  return settings;
}

function checkNames(settings: readonly Setting[], envMap: EnvMap): void {
  const owner = new Map<string, string>();
  for (const setting of settings) {
    for (const name of setting.env.flatMap((env) => (setting.secret ? [env, `${env}_FILE`] : [env]))) {
      const other = owner.get(name);
      if (other !== undefined) throw new Error(`settings ${other} and ${setting.field} are both read from ${name}: rename one`);
      owner.set(name, setting.field);
    }
  }
  for (const field of Object.keys(envMap)) {
    if (!settings.some((setting) => setting.field === field)) throw new Error(`envMap names ${field}, which the schema does not have`);
  }
}

/** What a schema accepts, in a few words for people. */
function expectation(schema: JsonSchema): string {
  if (schema.expects !== undefined) return schema.expects;
  if (schema.enum !== undefined) return `one of ${schema.enum.map(String).join(", ")}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(expectation))].join(" or ");
  const type = [schema.type ?? "value"].flat().find((name) => name !== "null") ?? "value";
  switch (type) {
    case "integer":
    case "number":
      return `${type === "integer" ? "whole number" : "number"}${rangeText(schema)}`;
    case "boolean":
      return "true or false";
    case "array":
      return `list of ${schema.items ? expectation(schema.items) : "values"} (separated by commas in the environment)`;
    case "object":
      return "map (JSON in the environment)";
    case "string":
      return schema.format === "uri" ? "URL" : (schema.format ?? "text");
    default:
      return type;
  }
}

function rangeText(schema: JsonSchema): string {
  // zod bounds every integer by the safe range; that says nothing to people.
  const low = schema.minimum !== undefined && schema.minimum > Number.MIN_SAFE_INTEGER ? schema.minimum : undefined;
  const high = schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER ? schema.maximum : undefined;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  if (low !== undefined) return `, ${low} or more`;
  if (high !== undefined) return `, ${high} or less`;
  if (schema.exclusiveMinimum !== undefined) return ` above ${schema.exclusiveMinimum}`;
  return "";
}
