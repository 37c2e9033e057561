import type { ModuleChanged, ModuleShown, Problem } from "@secuxflow/contracts";
import { moduleStatement, ruleSetStatement } from "@secuxflow/contracts";
import { repoRoot, spawnService, type Service } from "@secuxflow/testkit";
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { keyIdOf } from "../modules/adapters/trusted-keys.js";

const PATIENCE_MS = 30_000;

/** A key pair as `module keygen` makes it. */
export interface TestKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicPem: string;
}

export function testKey(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { id: keyIdOf(publicKey), privateKey, publicPem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const signed = (statement: string, key: TestKey | undefined) =>
  key && { keyId: key.id, value: sign(null, Buffer.from(statement), key.privateKey).toString("base64") };

/** A rule-api in a process of its own, and what an administrator does by it. */
export class RuleApiProcess {
  private constructor(readonly process: Service, private readonly url: string) {}

  static async start(natsUrl: string): Promise<RuleApiProcess> {
    const ready = (service: Service) => /"event":"ready".*?"http":"([^"]+)"/.exec(service.log);
    const process = await spawnService({
      entry: join(repoRoot(), "services/rule-api/dist/main.js"), name: "rule-api", ready,
      env: { SECUXFLOW_NATS_URLS: natsUrl, SECUXFLOW_API_PORT: "0", SECUXFLOW_LOG_FORMAT: "json" },
    });
    return new RuleApiProcess(process, ready(process)?.[1] ?? "");
  }

  async ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(this.url + path, {
      method, signal: AbortSignal.timeout(PATIENCE_MS), headers: body ? { "content-type": "application/json" } : {},
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  async show(name: string): Promise<ModuleShown["module"]> {
    return (await this.#good<ModuleShown>("GET", `/v1/modules/${name}`)).module;
  }

  async push(wasm: Uint8Array, name: string, version: string, key?: TestKey): Promise<ModuleChanged> {
    const signature = signed(moduleStatement({ name, version, digest: sha256(wasm) }), key);
    return this.#good("POST", "/v1/modules", { wasm: Buffer.from(wasm).toString("base64"), ...(signature && { signature }) });
  }

  async pushRules(name: string, image: Uint8Array, key?: TestKey, more: object = {}): Promise<ModuleChanged> {
    const signature = signed(ruleSetStatement({ module: name, language: "suricata", digest: sha256(image) }), key);
    return this.#good("POST", `/v1/modules/${name}/rules`,
      { image: Buffer.from(image).toString("base64"), language: "suricata", rules: 1, refused: 0, ...(signature && { signature }), ...more });
  }

  async command(name: string, command: string, body: object = {}): Promise<ModuleChanged> {
    return this.#good("POST", `/v1/modules/${name}/${command}`, { options: { waitMs: 20_000 }, ...body });
  }

  async configure(name: string, settings: Record<string, string | null>, failMode?: string): Promise<ModuleChanged> {
    return this.#good("PATCH", `/v1/modules/${name}`, { settings, ...(failMode && { failMode }), options: { waitMs: 20_000 } });
  }

  async refused(method: string, path: string, body?: object): Promise<Problem> {
    const answer = await this.ask(method, path, body);
    if (answer.status < 400) throw new Error(`${method} ${path} answered ${answer.status}`);
    return answer.body as Problem;
  }

  async #good<D>(method: string, path: string, body?: object): Promise<D> {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body as D;
  }
}
