import { alertingRpc, invalidInput, ProblemError, subjects, type AlertingOperation, type RpcReply } from "@secuxflow/contracts";
import type { Msg } from "@nats-io/transport-node";
import type { z } from "zod";
import { reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";

export type RpcRequest<O extends AlertingOperation> = z.output<(typeof alertingRpc)[O]["request"]>;
export type RpcAnswer<O extends AlertingOperation> = z.output<(typeof alertingRpc)[O]["reply"]>;

/** Requests of one operation that run at the same time; more are refused at once. */
const MAX_RUNNING = 64;
const QUEUE = "alerting";

/**
 * Answers requests of one operation. Several processes that serve it share the requests. A ProblemError becomes its code
 * and message; any other error is logged and becomes `internal`.
 * @returns a function that ends it
 */
export function rpcServe<O extends AlertingOperation>(
  link: NatsLink,
  operation: O,
  handler: (request: RpcRequest<O>) => RpcAnswer<O> | Promise<RpcAnswer<O>>,
): () => void {
  let running = 0;
  const answer = async (message: Msg): Promise<void> => {
    if (running >= MAX_RUNNING) {
      return respond(
        link,
        message,
        problem(new ProblemError("limit_reached", `${MAX_RUNNING} requests for ${operation} run already: try again`)),
      );
    }
    running += 1;
    try {
      const request = parseRequest(operation, message);
      respond(link, message, { ok: true, value: await handler(request as RpcRequest<O>) });
    } catch (error) {
      if (!(error instanceof ProblemError)) link.log.error({ operation, err: error }, "an RPC handler failed");
      respond(link, message, problem(error));
    } finally {
      running -= 1;
    }
  };
  return link.subscribe(subjects.alertingRpc(operation), (message) => void answer(message), QUEUE);
}

function parseRequest(operation: AlertingOperation, message: Msg): unknown {
  let body: unknown;
  try {
    body = JSON.parse(message.string());
  } catch (error) {
    throw new ProblemError("invalid_input", `the request for ${operation} is not JSON`, { cause: error });
  }
  const request = alertingRpc[operation].request.safeParse(body);
  if (!request.success) throw invalidInput(request.error, `the request for ${operation}`);
  return request.data;
}

const problem = (error: unknown): RpcReply =>
  error instanceof ProblemError
    ? { ok: false, code: error.code, message: error.message }
    : { ok: false, code: "internal", message: "the alerting service failed: see its log" };

function respond(link: NatsLink, message: Msg, reply: RpcReply): void {
  try {
    const body = JSON.stringify(reply);
    const limit = link.connection("answering").info?.max_payload ?? Infinity;
    if (Buffer.byteLength(body) > limit) {
      const tooLarge = new ProblemError("limit_reached", `the answer exceeds ${limit} bytes: ask for fewer items`);
      message.respond(JSON.stringify(problem(tooLarge)));
    } else {
      message.respond(body);
    }
  } catch (error) {
    // Who asked runs into its timeout and asks again.
    link.log.warn({ subject: message.subject, reason: reasonOf(error) }, "an answer could not be sent");
  }
}
