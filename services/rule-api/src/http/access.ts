import { ProblemError, type Problem } from "@secuxflow/contracts";
import { createHash, timingSafeEqual } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import type { ApiRequest } from "./request.js";

export interface AccessRules {
  /** Where the API listens. */
  readonly host: string;
  /** Bearer token that every request must carry; none where it is not set. */
  readonly token?: string | undefined;
  /** More names that the API is called by. */
  readonly allowedHosts: readonly string[];
}

/** Whether an address to listen on is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** Host name of a Host header or origin ("[::1]:7400" gives "::1"); undefined when it is malformed. */
export function hostName(authority: string): string | undefined {
  try {
    const { hostname, username, pathname } = new URL(`http://${authority}`);
    if (username !== "" || pathname !== "/") return undefined;
    return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  } catch {
    return undefined;
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

const forbidden = (detail: string, next: string): Problem => new ProblemError("forbidden", detail, { next }).toProblem();

/**
 * Looks at a request before anything else does: that a web page cannot reach the API through a name that points here (DNS
 * rebinding) or from another origin, and that the token is right. Undefined when it may go on.
 */
export function accessCheck(rules: AccessRules): (request: Pick<ApiRequest, "headers">) => Problem | undefined {
  const wanted = rules.token === undefined ? undefined : digest(rules.token);
  const names = new Set([rules.host, ...rules.allowedHosts].map((name) => name.toLowerCase()));

  // A name is what DNS can turn around; an address in the Host header is what the client truly called.
  const knownHost = (name: string) =>
    isLoopback(name) || names.has(name) || (!isLoopback(rules.host) && (isIPv4(name) || isIPv6(name)));

  return ({ headers }) => {
    const host = hostName(headers.host ?? "");
    if (host === undefined || !knownHost(host)) {
      return forbidden(
        "the Host header names a host that this API is not called by",
        "call it by its address or by localhost, or add the name to api.allowedHosts",
      );
    }
    const { origin } = headers;
    if (origin !== undefined && origin !== `http://${headers.host}` && origin !== `https://${headers.host}`) {
      return forbidden(
        "requests from web pages of another origin are refused",
        "use secuxflow-cli, or the pages that this API serves",
      );
    }
    if (wanted === undefined) return undefined;
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), wanted)) return undefined;
    const detail = given === undefined ? "a token is needed" : "the token is not valid";
    return new ProblemError("unauthorized", detail, {
      next: "send Authorization: Bearer <token> (secuxflow-cli: SECUXFLOW_API_TOKEN)",
    }).toProblem();
  };
}
