import { Problem, RuleAdded, RuleList, SystemStatus } from "@secuxflow/contracts";
import { spawnService, type Service } from "@secuxflow/testkit";
import { fileURLToPath } from "node:url";

const ENTRY = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
/** No answer of the API may take longer than this in a test; commands that wait for agents say so themselves. */
const PATIENCE_MS = 10_000;

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** A rule-api in a process of its own, and a client of it. */
export class RuleApi {
  private constructor(
    readonly process: Service,
    readonly url: string,
    readonly opsUrl: string,
  ) {}

  static async start(natsUrl: string, env: Record<string, string> = {}): Promise<RuleApi> {
    const ready = (service: Service) => /"event":"ready".*?"ops":"([^"]+)".*?"http":"([^"]+)"/.exec(service.log);
    const process = await spawnService({
      entry: ENTRY,
      env: { SECUXFLOW_NATS_URLS: natsUrl, SECUXFLOW_API_PORT: "0", SECUXFLOW_LOG_FORMAT: "json", ...env },
      ready,
      name: "rule-api",
    });
    const [, ops = "", http = ""] = ready(process) ?? [];
    return new RuleApi(process, http, ops);
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const answer = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  async add(rule: object, options: object = {}, headers: Record<string, string> = {}): Promise<RuleAdded> {
    const { status, body } = await this.ask("POST", "/v1/rules", { rule, options }, headers);
    if (status !== 201) throw new Error(`rule add answered ${status}: ${JSON.stringify(body)}`);
    return RuleAdded.parse(body);
  }

  /** The problem that a request is answered with. */
  async refused(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Problem> {
    const answer = await this.ask(method, path, body, headers);
    if (answer.status < 400) throw new Error(`${method} ${path} answered ${answer.status}`);
    return Problem.parse(answer.body);
  }

  async rules(): Promise<RuleList> {
    return RuleList.parse((await this.ask("GET", "/v1/rules")).body);
  }

  async status(): Promise<SystemStatus> {
    return SystemStatus.parse((await this.ask("GET", "/v1/status")).body);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.opsUrl}/metrics`)).text();
  }
}

/** Refuses to start: the exit code and what it says. */
export async function refusesToStart(env: Record<string, string>): Promise<string> {
  try {
    const started = await spawnService({
      entry: ENTRY,
      env,
      ready: (service) => service.log.includes('"event":"ready"'),
      name: "rule-api",
    });
    await started.kill();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it started");
}
