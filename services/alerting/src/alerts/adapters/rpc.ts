import { ProblemError, type AlertingOperation, type AlertingStatus, type Suggestion } from "@secuxflow/contracts";
import { rpcServe, type NatsLink, type RpcAnswer, type RpcRequest } from "@secuxflow/nats";
import { StorageUnavailable } from "../../storage/domain/errors.js";
import type { Alerts } from "../application/alerts.js";

export interface Handlers {
  readonly alerts: Alerts;
  readonly suggest: (id: number) => Promise<Suggestion>;
  readonly status: () => Promise<AlertingStatus>;
}

/** Answers every operation of `alert/rpc.ts`. @returns a function that ends it */
export function serveAlerting(link: NatsLink, { alerts, suggest, status }: Handlers): () => void {
  const stops = [
    serve(link, "list", (query) => alerts.list(query)),
    serve(link, "show", ({ id }) => alerts.show(id)),
    serve(link, "detections", (query) => alerts.detections(query)),
    serve(link, "suggest", ({ id }) => suggest(id)),
    serve(link, "triage", (command) => alerts.triage(command)),
    serve(link, "status", () => status()),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function serve<O extends AlertingOperation>(
  link: NatsLink,
  operation: O,
  handler: (request: RpcRequest<O>) => Promise<RpcAnswer<O>>,
): () => void {
  return rpcServe(link, operation, async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      throw new ProblemError(
        "storage_unavailable",
        `${error.message}; detections are kept in NATS until it is back: try again, and see secuxflow-cli status show`,
        { cause: error },
      );
    }
  });
}
