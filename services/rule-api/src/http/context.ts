import { ProblemError } from "@secuxflow/contracts";
import { randomUUID } from "node:crypto";
import type { CommandContext } from "../policy/application/policy-service.js";
import type { Session } from "../policy/domain/index.js";
import type { ApiRequest } from "./request.js";

const ACTOR = /^(?!system:)[A-Za-z0-9][A-Za-z0-9._@:+-]{0,63}$/;
const KEY = /^[\x21-\x7e]{1,128}$/;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
export const DEFAULT_ACTOR = "admin";

const header = (request: ApiRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
};

const checked = (request: ApiRequest, name: string, pattern: RegExp, message: string): string | undefined => {
  const value = header(request, name.toLowerCase());
  if (value === undefined || pattern.test(value)) return value;
  throw new ProblemError("invalid_input", `header ${name}: ${message}`, { errors: [{ field: name, message }] });
};

const sessionOf = ({ socket }: ApiRequest): Session | undefined => {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined || localAddress === undefined || localPort === undefined)
    return undefined;
  const bare = (address: string) => address.replace(/%.*$/, ""); // a zone says nothing about packets
  return { remoteAddress: bare(remoteAddress), remotePort, localAddress: bare(localAddress), localPort };
};

/** Who asks, and how. @throws ProblemError invalid_input for headers that are wrong */
export function contextOf(request: ApiRequest): CommandContext {
  const actor =
    checked(request, "X-SecuXFlow-Actor", ACTOR, "1 to 64 of A-Z a-z 0-9 . _ @ : + -, not beginning with system:") ??
    DEFAULT_ACTOR;
  const key = checked(request, "Idempotency-Key", KEY, "1 to 128 visible ASCII characters");
  const traceparent = header(request, "traceparent");
  return {
    actor,
    commandId: key === undefined ? randomUUID() : `key:${key}`,
    session: sessionOf(request),
    ...(traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
  };
}
