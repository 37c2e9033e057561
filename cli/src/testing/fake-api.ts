import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Problem } from "@secuxflow/contracts";
import * as documents from "./documents.js";

/** A request as the fake API saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

/** How a route answers: by a document, or by its own hand. */
export type Route = object | ((request: Seen, response: ServerResponse) => void);

/** Answers with a problem document. */
export const refuse =
  (problem: Problem): Route =>
  (_request, response) => {
    response
      .writeHead(problem.status, { "content-type": "application/problem+json; charset=utf-8" })
      .end(JSON.stringify(problem));
  };

/** A rule API that answers as told, on a port of its own of the loopback interface. */
export class FakeApi {
  readonly seen: Seen[] = [];
  readonly routes = new Map<string, Route>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FakeApi> {
    const server = createServer((request, response) => void api.#answer(request, response));
    const api = new FakeApi(server);
    api.reset();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Routes as "METHOD /path"; every one of the API answers with a document of testing/documents. */
  reset(): void {
    this.seen.length = 0;
    this.routes.clear();
    for (const [route, document] of Object.entries({
      "GET /v1/rules": documents.ruleList,
      "POST /v1/rules": documents.ruleAdded,
      "DELETE /v1/rules": documents.removed("rule", [7, 9]),
      "DELETE /v1/rules/42": documents.removed("rule", [42]),
      "GET /v1/forwards": documents.forwardList,
      "POST /v1/forwards": documents.forwardAdded,
      "DELETE /v1/forwards": documents.removed("forward", [3]),
      "DELETE /v1/forwards/3": documents.removed("forward", [3]),
      "POST /v1/rules/import": documents.rulesImported,
      "GET /v1/sets": documents.setList,
      "POST /v1/sets": documents.setAdded,
      "GET /v1/sets/blocklist": documents.setShown,
      "DELETE /v1/sets/blocklist": documents.deleted("set", "blocklist"),
      "POST /v1/sets/blocklist/entries": ({ body }: Seen, response: ServerResponse) => {
        const { change } = (typeof body === "string" ? { change: { add: body.trim().split("\n"), remove: [] } } : body) as {
          change: { add: string[]; remove: string[] };
        };
        const [added, removed] = [change.add.length, change.remove.length];
        const changed = { ...documents.setChanged, added, removed, entries: 3 + added - removed };
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(changed));
      },
      "PUT /v1/sets/blocklist/entries": { ...documents.setChanged, removed: 3, entries: 2 },
      "GET /v1/services": documents.serviceList,
      "POST /v1/services": documents.serviceAdded,
      "DELETE /v1/services/shop": documents.deleted("service", "shop"),
      "GET /v1/protection": documents.protection,
      "PATCH /v1/protection": documents.protectionChanged,
      "GET /v1/status/top": documents.topTalkers,
      "GET /v1/alerts/detections": documents.detectionList,
      "GET /v1/modules": documents.moduleList,
      "GET /v1/modules/ips": documents.moduleShown,
      "PATCH /v1/modules/ips": documents.moduleChanged,
      ...Object.fromEntries(
        ["", "/ips/rules", ...["enable", "disable", "canary", "promote", "rollback", "quarantine", "release"].map((verb) => `/ips/${verb}`)]
          .map((path) => [`POST /v1/modules${path}`, documents.moduleChanged]),
      ),
      "GET /v1/agents": documents.agentList,
      "GET /v1/status": documents.status,
      "GET /v1/stats": documents.stats(1),
      "GET /v1/alerts": documents.alertList,
      "GET /v1/alerts/17": documents.alertShown,
      "GET /v1/alerts/17/suggestion": documents.suggestion,
      "POST /v1/alerts/17/approve": documents.approved,
      "POST /v1/alerts/17/triage": ({ body }: Seen, response: ServerResponse) => {
        const { state } = body as { state: string };
        const shown = { ...documents.alertShown, alert: { ...documents.alert, state } };
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(shown));
      },
    }))
      this.routes.set(route, document);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += String(part);
    const isJson = request.headers["content-type"] === "application/json";
    const seen: Seen = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: text === "" ? undefined : isJson ? (JSON.parse(text) as unknown) : text,
    };
    this.seen.push(seen);
    const route =
      this.routes.get(`${seen.method} ${seen.path}`) ??
      refuse(documents.problem("not_found", 404, `there is nothing at ${seen.path}`));
    if (typeof route === "function") (route as (request: Seen, response: ServerResponse) => void)(seen, response);
    else
      response
        .writeHead(seen.method === "POST" ? 201 : 200, { "content-type": "application/json; charset=utf-8" })
        .end(JSON.stringify(route));
  }
}
