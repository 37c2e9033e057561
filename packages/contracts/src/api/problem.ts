import { z } from "zod";

/** Every error code of the REST API, with its HTTP status. */
export const PROBLEM_STATUS = {
  invalid_input: 400,
  unauthorized: 401,
  /** Called by a name, or from a web page, that this API does not answer to. */
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  unknown_module: 400,
  /** A rule names an address set or a service that the policy does not have. */
  unknown_set: 400,
  unknown_service: 400,
  stale_revision: 409,
  conflict: 409,
  /** A set or service of that name is there already. */
  already_exists: 409,
  /** A set or service that rules still name cannot be deleted. */
  in_use: 409,
  limit_reached: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  /** The command is dangerous: send it again with `confirm`. */
  confirmation_required: 428,
  internal: 500,
  nats_unavailable: 503,
  alerting_unavailable: 503,
  storage_unavailable: 503,
} as const;
export type ProblemCode = keyof typeof PROBLEM_STATUS;

/** An error as the API tells it: RFC 9457 problem details with our code, the fields at fault and the next step. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  /** What to do next, often a command. */
  next: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;

/** A failed command or request, before it meets a medium (HTTP, RPC, terminal). */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  constructor(
    readonly code: ProblemCode,
    message: string,
    readonly more: { readonly next?: string; readonly errors?: { field: string; message: string }[]; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
  }

  /** As RFC 9457 problem details. */
  toProblem(): Problem {
    return {
      type: `urn:secuxflow:problem:${this.code}`,
      title: this.code.replaceAll("_", " "),
      status: PROBLEM_STATUS[this.code],
      code: this.code,
      detail: this.message,
      ...(this.more.next === undefined ? {} : { next: this.more.next }),
      ...(this.more.errors === undefined ? {} : { errors: this.more.errors }),
    };
  }
}

/** A ProblemError that names every field a zod schema refused. */
export function invalidInput(error: z.ZodError, what: string): ProblemError {
  const errors = error.issues.map((issue) => ({ field: issue.path.map(String).join(".") || "(body)", message: issue.message }));
  return new ProblemError("invalid_input", `${what} is not valid: ${errors.map((e) => `${e.field}: ${e.message}`).join("; ")}`, { errors });
}
