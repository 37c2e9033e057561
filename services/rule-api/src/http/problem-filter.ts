import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from "@nestjs/common";
import { ProblemError, type Problem, type ProblemCode } from "@secuxflow/contracts";
import { bodyLimitOf, takesLines } from "./limits.js";
import { methodsOf } from "./routes.js";
import type { ApiReply, ApiRequest } from "./request.js";

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

interface FilterLog {
  error(fields: object, message: string): void;
}

const problem = (code: ProblemCode, detail: string, next?: string): Problem =>
  new ProblemError(code, detail, next === undefined ? {} : { next }).toProblem();

const pathOf = (url: string): string => url.split("?")[0] ?? url;

const tooLarge = (url: string): Problem => {
  const next = takesLines(url) ? "send text/plain, one entry a line: that may be longer" : "send less at once";
  return problem("body_too_large", `the body is larger than ${bodyLimitOf(url) / 1024 / 1024} MiB`, next);
};

const wrongType = (url: string): Problem =>
  takesLines(url)
    ? problem("unsupported_media_type", "the body is neither JSON nor plain text", "send content-type: application/json or text/plain")
    : problem("unsupported_media_type", "the body is not JSON", "send content-type: application/json");

/** Any error as the API tells it (RFC 9457). What was not expected says nothing about its inside. */
export function problemOf(error: unknown, request: Pick<ApiRequest, "method" | "url">): Problem {
  if (error instanceof ProblemError) return error.toProblem();
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number } | undefined)?.statusCode;
  if (status === 404) {
    const path = pathOf(request.url);
    const methods = methodsOf(path);
    if (methods.length === 0) return problem("not_found", `there is nothing at ${path}`, "see /docs for what there is");
    return problem("method_not_allowed", `${request.method} is not possible on ${path}`, `use ${methods.join(" or ")}`);
  }
  if (status === 413) return tooLarge(request.url);
  if (status === 415) return wrongType(request.url);
  if (status !== undefined && status >= 400 && status < 500) {
    const malformed = problem("invalid_input", error instanceof Error ? error.message : "the request is malformed");
    return { ...malformed, status };
  }
  return problem("internal", "the request failed for a reason that should not be: see the log of rule-api");
}

/** The answer to a URL that cannot be decoded (RFC 3986 section 2.1), which no filter ever sees. */
export function malformedUrl(url: string): { status: number; type: string; body: string } {
  const answer = problem("invalid_input", `${JSON.stringify(pathOf(url))} is not a URL path: a % stands before two hex digits`);
  return { status: answer.status, type: PROBLEM_TYPE, body: JSON.stringify(answer) };
}

/** Answers every error with a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: FilterLog) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<ApiRequest>();
    const reply = http.getResponse<ApiReply>();
    const answer = problemOf(error, request);
    if (answer.code === "internal") {
      const cause = error instanceof ProblemError && error.more.cause !== undefined ? error.more.cause : error;
      this.log.error({ err: cause, method: request.method, path: pathOf(request.url) }, "a request failed");
    }
    if (reply.sent) return;
    if (answer.status === 405) reply.header("allow", methodsOf(pathOf(request.url)).join(", "));
    if (answer.status === 401) reply.header("www-authenticate", 'Bearer realm="secuxflow"');
    if (answer.status === 503) reply.header("retry-after", "1");
    reply.status(answer.status).header("content-type", PROBLEM_TYPE).send(JSON.stringify(answer));
  }
}
