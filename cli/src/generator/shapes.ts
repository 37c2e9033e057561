import * as contracts from "@secuxflow/contracts";
import { z } from "zod";
import type { Kind } from "../http/documents.js";
import type { Shape } from "../http/shape.js";

/** The zod schema of each document. */
export const SCHEMAS: Readonly<Record<Kind, z.ZodType>> = {
  RuleList: contracts.RuleList,
  RuleAdded: contracts.RuleAdded,
  RulesImported: contracts.RulesImported,
  ForwardList: contracts.ForwardList,
  ForwardAdded: contracts.ForwardAdded,
  Removed: contracts.Removed,
  SetList: contracts.SetList,
  Set: contracts.SetShown,
  SetAdded: contracts.SetAdded,
  SetEntriesChanged: contracts.SetEntriesChanged,
  ServiceList: contracts.ServiceList,
  ServiceAdded: contracts.ServiceAdded,
  Deleted: contracts.Deleted,
  Protection: contracts.ProtectionShown,
  ProtectionChanged: contracts.ProtectionChanged,
  TopTalkers: contracts.TopTalkers,
  ModuleList: contracts.ModuleList,
  Module: contracts.ModuleShown,
  ModuleChanged: contracts.ModuleChanged,
  AgentList: contracts.AgentList,
  Status: contracts.SystemStatus,
  Stats: contracts.StatsSnapshot,
  AlertList: contracts.AlertList,
  Alert: contracts.AlertShown,
  DetectionList: contracts.DetectionList,
  Suggestion: contracts.SuggestionShown,
  AlertApproved: contracts.AlertApproved,
  AlertEvent: contracts.Alert,
  Problem: contracts.Problem,
};

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The shape of a JSON schema. Ranges and lists of words are left out: what a newer API adds to them can still be shown. */
function shapeOf(schema: JsonSchema | boolean | undefined): Shape {
  if (typeof schema !== "object") return "any";
  if (typeof schema.const === "string") return { is: schema.const };
  switch (schema.type) {
    case "string":
    case "boolean":
    case "number":
      return schema.type;
    case "integer":
      return "number";
    case "array":
      return { list: shapeOf(schema.items as JsonSchema) };
    case "object": {
      if (!schema.properties) return { map: shapeOf(schema.additionalProperties) };
      const required = new Set(schema.required ?? []);
      const fields = Object.entries(schema.properties).map(([name, field]): [string, Shape] => [
        required.has(name) ? name : `${name}?`,
        shapeOf(field),
      ]);
      return { object: Object.fromEntries(fields) };
    }
    default:
      return "any";
  }
}

/** The text of http/shapes.generated.ts. */
export function generateShapes(): string {
  const entries = Object.entries(SCHEMAS).map(([kind, schema]) => {
    const json = z.toJSONSchema(schema, {
      io: "output",
      unrepresentable: "any",
      reused: "inline",
      // What a transform gives cannot be known from outside; those of the contracts write canonical text.
      override: ({ zodSchema, jsonSchema }) => {
        if (zodSchema._zod.def.type === "transform") jsonSchema.type = "string";
      },
    });
    const shape = shapeOf(json);
    return `  ${kind}: ${JSON.stringify(shape)},`;
  });
  return [
    "// Generated from the schemas of @secuxflow/contracts by `npm run generate`; do not edit.",
    'import type { Kind } from "./documents.js";',
    'import type { Shape } from "./shape.js";',
    "",
    `export const API_VERSION = ${JSON.stringify(contracts.API_VERSION)};`,
    `export const DEFAULT_API_PORT = ${contracts.DEFAULT_API_PORT};`,
    "",
    "export const SHAPES: Readonly<Record<Kind, Shape>> = {",
    ...entries,
    "};",
    "",
  ].join("\n");
}
