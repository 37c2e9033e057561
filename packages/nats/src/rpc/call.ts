import {
  alertingRpc,
  ProblemError,
  PROBLEM_STATUS,
  RpcReply,
  subjects,
  type AlertingOperation,
  type ProblemCode,
} from "@secuxflow/contracts";
import { NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import type { z } from "zod";
import type { RpcAnswer } from "./serve.js";

const DEFAULT_TIMEOUT_MS = 5_000;
/** How long a call waits for NATS to come back before it gives up. */
const CONNECT_WAIT_MS = 1_000;
const NEXT = "see that the alerting service runs: secuxflow-cli status show";

/**
 * Asks the alerting service. When nobody serves the operation the answer comes at once, not after the timeout.
 * @throws ProblemError: nats_unavailable, alerting_unavailable, or what the service answered
 */
export async function rpcCall<O extends AlertingOperation>(
  link: NatsLink,
  operation: O,
  request: z.input<(typeof alertingRpc)[O]["request"]>,
  options: { readonly timeoutMs?: number } = {},
): Promise<RpcAnswer<O>> {
  const reply = await ask(link, operation, JSON.stringify(request), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  if (!reply.ok) throw new ProblemError(isProblemCode(reply.code) ? reply.code : "internal", reply.message);
  const value = alertingRpc[operation].reply.safeParse(reply.value);
  if (!value.success) {
    throw new ProblemError(
      "internal",
      `the alerting service answered ${operation} with something else: is it of another version?`,
      { cause: value.error },
    );
  }
  return value.data as RpcAnswer<O>;
}

async function ask(link: NatsLink, operation: AlertingOperation, body: string, timeoutMs: number): Promise<RpcReply> {
  const what = `asking the alerting service for ${operation}`;
  try {
    await link.connected({ what, timeoutMs: CONNECT_WAIT_MS });
  } catch (cause) {
    throw new ProblemError("nats_unavailable", `NATS is away: ${reasonOf(cause)}`, { cause });
  }
  try {
    const answer = await link.request(what, subjects.alertingRpc(operation), body, { timeoutMs });
    return RpcReply.parse(answer.json());
  } catch (cause) {
    const reason = cause instanceof NatsUnavailable ? cause.reason : `its answer cannot be read: ${reasonOf(cause)}`;
    throw new ProblemError("alerting_unavailable", `the alerting service did not answer: ${reason}`, { next: NEXT, cause });
  }
}

const isProblemCode = (code: string): code is ProblemCode => code in PROBLEM_STATUS;
