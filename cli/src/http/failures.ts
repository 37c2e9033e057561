import type { Problem } from "@secuxflow/contracts";
import { ApiProblem, ApiUnreachable, type Fault } from "../errors.js";
import { EXIT } from "../exit.js";

/** Which flag a field of a request came from; undefined where it came from none. */
export type FlagOf = (field: string) => string | undefined;

/** Problems that the command line itself caused: what was asked for is not possible as written. */
const USAGE = new Set([
  "invalid_input",
  "unknown_module",
  "unknown_set",
  "unknown_service",
  "confirmation_required",
]);

/** Problems whose fields tell what there is to choose from. */
const UNKNOWN = new Set(["unknown_module", "unknown_set", "unknown_service"]);

const NEXT: Readonly<Record<string, string>> = {
  unauthorized: "give the token by --token-file FILE or SECUXFLOW_API_TOKEN",
  nats_unavailable: "secuxflow-cli status show",
  alerting_unavailable: "secuxflow-cli status show (is the alerting service running?)",
  storage_unavailable: "secuxflow-cli status show",
};

/** A problem document as an error that names flags instead of fields. */
export function problemError(problem: Problem, flagOf: FlagOf = () => undefined): ApiProblem {
  const { code, status, detail, errors = [] } = problem;
  const faults = errors.map(({ field, message }): Fault => ({ flag: flagOf(field) ?? field, message }));
  const [only] = faults;
  const next = problem.next ?? NEXT[code];
  const exit = USAGE.has(code) ? EXIT.usage : EXIT.failed;
  // The detail of invalid input, and of a file, repeats the fields by the API's names: flags and lines say it better.
  const named = code === "invalid_input" || faults.some(({ flag }) => flag.startsWith("line "));
  const message =
    !named || !only
      ? detail
      : faults.length === 1
        ? `${only.flag}: ${only.message}`
        : `${faults.length} values are not valid`;
  const shown = named && faults.length > 1 ? faults : !named && UNKNOWN.has(code) ? faults : [];
  return new ApiProblem(code, status, message, {
    exit,
    ...(next === undefined ? {} : { next }),
    ...(shown.length === 0 ? {} : { faults: shown }),
  });
}

/** What answered, but is no rule API. */
export function answerFault(url: string, found: string): ApiUnreachable {
  return new ApiUnreachable(`${url} did not answer as a SecuXFlow rule API: ${found}`, {
    next: "check --api (SECUXFLOW_API): is it the address of the rule API, and not a proxy or another service?",
  });
}

interface Attempt {
  readonly url: string;
  readonly timeoutMs: number;
  readonly timedOut: boolean;
  readonly unknown?: { readonly what: string; readonly look: string } | undefined;
}

const seconds = (ms: number): string => `${ms / 1_000} s`;

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: ["nothing listens there", "start the rule API (npm start), or say where it is: --api URL or SECUXFLOW_API"],
  ENOTFOUND: ["its name is not known", "check the name in --api (SECUXFLOW_API)"],
  EAI_AGAIN: ["its name could not be looked up", "check the name in --api (SECUXFLOW_API) and the name server"],
  EHOSTUNREACH: ["there is no route to it", "check the address in --api (SECUXFLOW_API) and the network"],
  ENETUNREACH: ["there is no route to it", "check the address in --api (SECUXFLOW_API) and the network"],
  ECONNTIMEOUT: [
    "no connection came about in time",
    "check the address in --api (SECUXFLOW_API), and whether a firewall or a rule of yours is in between",
  ],
};

/** Errors after which a request may have been carried out all the same. */
const mayBeDone = (code: string, timedOut: boolean): boolean => timedOut || !(code in REASONS);

/** A failure of the network, in words. */
export function networkFault(error: unknown, { url, timeoutMs, timedOut, unknown }: Attempt): ApiUnreachable {
  // Happy Eyeballs tries every address and fails with all their errors; the first speaks for all.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = (first as { code?: string } | undefined)?.code ?? "";
  const [reason, check] = timedOut
    ? [`no answer within ${seconds(timeoutMs)}`, "check that the rule API is healthy; --timeout waits longer"]
    : (REASONS[code] ??
      tlsReason(code) ?? [first instanceof Error ? first.message : String(first), "check --api (SECUXFLOW_API)"]);
  const doubt = unknown && mayBeDone(code, timedOut) ? `; ${unknown.what} is unknown` : "";
  return new ApiUnreachable(`the rule API at ${url} cannot be reached: ${reason}${doubt}`, {
    next: doubt === "" ? check : `${unknown?.look ?? ""} tells; then: ${check}`,
    cause: error,
  });
}

const tlsReason = (code: string): readonly [string, string] | undefined => {
  if (code === "EPROTO") return ["it does not speak TLS", "write http:// in --api (SECUXFLOW_API)"];
  if (code === "ECONNRESET" || code === "EPIPE")
    return ["it closed the connection", "check that the rule API is healthy, and whether it expects https://"];
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code))
    return [`its certificate is not trusted (${code})`, "set NODE_EXTRA_CA_CERTS to the authority's certificate"];
  return undefined;
};
