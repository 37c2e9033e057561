import { API_VERSION, Problem, PROBLEM_STATUS, TOKEN_PATTERN, type ProblemCode } from "@secuxflow/contracts";
import { z } from "zod";
import { OPERATIONS, type Operation } from "./routes.js";

type Json = Record<string, unknown>;

const PROBLEM_REF = { $ref: "#/components/schemas/Problem" };
const ALWAYS: readonly ProblemCode[] = ["invalid_input", "unauthorized", "internal"];

/** JSON Schemas of named zod schemas. `io` tells the side: what may be sent, or what is answered. */
function schemasOf(named: Iterable<readonly [string, z.ZodType]>, io: "input" | "output"): Json {
  return Object.fromEntries(
    [...named].map(([name, schema]) => {
      const json = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json;
      delete json.$schema; // the document says it once
      return [name, json];
    }),
  );
}

const idParameter: Json = { name: "id", in: "path", required: true, schema: { type: "integer", minimum: 1 } };
const nameParameter: Json = {
  name: "name",
  in: "path",
  required: true,
  schema: { type: "string", pattern: TOKEN_PATTERN.source },
};
const actorHeader: Json = {
  name: "X-SecuXFlow-Actor",
  in: "header",
  required: false,
  description: "Who asks, for the audit; default admin",
  schema: { type: "string", maxLength: 64 },
};
const keyHeader: Json = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "A retry with the same key does nothing twice",
  schema: { type: "string", maxLength: 128 },
};

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" }) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  // Behind a preprocess step the input is unknown: the output says what is wanted.
  const wanted =
    (z.toJSONSchema(query, { io: "output", unrepresentable: "any" }) as { properties?: Record<string, Json> }).properties ?? {};
  return Object.keys(properties).map((name) => {
    return { name, in: "query", required: required.includes(name), schema: { ...properties[name], ...wanted[name] } };
  });
}

function answersOf({ answer: [status, name, schema], problems }: Operation): Json {
  const content =
    schema === undefined
      ? {
          "text/event-stream": {
            schema: { type: "string", description: "events `alert` whose data is an Alert; a comment every 10 s" },
          },
        }
      : { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
  const codes = [...new Set([...ALWAYS, ...problems])];
  const failures = [...new Set(codes.map((code) => PROBLEM_STATUS[code]))].sort((a, b) => a - b);
  return {
    [status]: { description: name, content },
    ...Object.fromEntries(
      failures.map((failure) => [
        failure,
        {
          description: codes.filter((code) => PROBLEM_STATUS[code] === failure).join(", "),
          content: { "application/problem+json": { schema: PROBLEM_REF } },
        },
      ]),
    ),
  };
}

const linesSchema = (what: string): Json => ({
  type: "string",
  description: `${what}, one address or prefix a line; what follows # or ; is a remark. The query parameters go with it`,
});

function operationOf(operation: Operation): Json {
  const { method, path, summary, query, body, lines } = operation;
  const tag = path.split("/")[2] ?? "";
  return {
    operationId: `${method.toLowerCase()}${path
      .replace("/v1", "")
      .replaceAll(/[/{]+(\w)/g, (_, letter: string) => letter.toUpperCase())
      .replaceAll("}", "")}`,
    summary,
    tags: [tag],
    parameters: [
      ...(path.includes("{id}") ? [idParameter] : []),
      ...(path.includes("{name}") ? [nameParameter] : []),
      // Beside JSON, which has a place for everything, query parameters belong to the other kind of body.
      ...(query ? queryParameters(query).map((each) => (lines === undefined ? each : { ...each, required: false })) : []),
      ...(method === "GET" ? [] : [actorHeader, keyHeader]),
    ],
    ...(body
      ? {
          requestBody: {
            required: true,
            content: {
              "application/json": { schema: { $ref: `#/components/schemas/${body[0]}` } },
              ...(lines === undefined ? {} : { "text/plain": { schema: linesSchema(lines) } }),
            },
          },
        }
      : {}),
    responses: answersOf(operation),
  };
}

/** The OpenAPI 3.1 document of the API, made from the schemas that requests are checked by. */
export function openApi(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: operationOf(operation) };
  }
  const bodies = OPERATIONS.flatMap(({ body }) => (body ? [body] : []));
  const answers = OPERATIONS.flatMap(({ answer: [, name, schema] }) => (schema ? [[name, schema] as const] : []));
  return {
    openapi: "3.1.0",
    info: {
      title: "SecuXFlow rule API",
      version,
      description: `Documents are of version ${API_VERSION}. Errors are problem documents (RFC 9457) with a code and the next step.`,
    },
    paths,
    components: {
      schemas: { ...schemasOf(bodies, "input"), ...schemasOf([...answers, ["Problem", Problem]], "output") },
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
    security: [{}, { token: [] }],
  };
}
