import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import { ProblemError } from "@secuxflow/contracts";
import { accessCheck, type AccessRules } from "./access.js";
import { jsonFault } from "./json-position.js";
import { readEntryLines } from "./entry-lines.js";
import { BODY_LIMIT_BYTES, bodyLimitOf, takesLines } from "./limits.js";
import { PROBLEM_TYPE, ProblemFilter } from "./problem-filter.js";

/** Long enough for a million entries over a slow line. */
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 1_024;

interface SetupLog {
  error(fields: object, message: string): void;
}

/** Reads a JSON body. @throws ProblemError invalid_input with line and column */
export function readJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const fault = jsonFault(text);
    const message =
      fault === undefined ? (error as Error).message : `line ${fault.line}, column ${fault.column}: ${fault.message}`;
    throw new ProblemError("invalid_input", `the body is not JSON: ${message}`, { errors: [{ field: "(body)", message }] });
  }
}

/** What stands before every route: access, body reading, limits, and problem documents for what fails. */
export function setupHttp(app: NestFastifyApplication, rules: AccessRules, log: SetupLog): void {
  const check = accessCheck(rules);
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook("onRequest", async (request, reply) => {
    void reply.header("x-content-type-options", "nosniff").header("cache-control", "no-store");
    const refusal = check(request);
    if (!refusal) return;
    if (refusal.status === 401) void reply.header("www-authenticate", 'Bearer realm="secuxflow"');
    await reply.status(refusal.status).header("content-type", PROBLEM_TYPE).send(JSON.stringify(refusal));
  });
  app.useBodyParser("application/json", { bodyLimit: BODY_LIMIT_BYTES }, (_request, body: Buffer, done) => {
    try {
      done(null, readJson(body.toString("utf8")));
    } catch (error) {
      done(error as Error);
    }
  });
  fastify.addHook("onRoute", (route) => {
    route.bodyLimit = bodyLimitOf(route.path);
  });
  // Plain text can be sent across origins without asking (`accessCheck` refuses that): it is read where it is wanted, nowhere else.
  fastify.removeContentTypeParser("text/plain");
  fastify.addContentTypeParser("text/plain", (request: { url: string }, body: AsyncIterable<Buffer>) => {
    if (takesLines(request.url)) return readEntryLines(body);
    throw Object.assign(new Error("not JSON"), { statusCode: 415 });
  });
  // Forms are never read.
  app.useBodyParser("application/x-www-form-urlencoded", { bodyLimit: BODY_LIMIT_BYTES }, (_request, _body: Buffer, done) => {
    done(Object.assign(new Error("not JSON"), { statusCode: 415 }));
  });
  app.useGlobalFilters(new ProblemFilter(log));
  const server = app.getHttpServer();
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
}
