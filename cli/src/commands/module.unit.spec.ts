import { createPublicKey, verify } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { moduleStatement } from "@secuxflow/contracts";
import { tempDir, type TempDir } from "@secuxflow/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as documents from "../testing/documents.js";
import { FakeApi } from "../testing/fake-api.js";
import { runCli } from "../testing/run-cli.js";

let api: FakeApi;
let folder: TempDir;
beforeAll(async () => void (api = await FakeApi.start()));
beforeEach(async () => {
  api.reset();
  folder = await tempDir("cli-module");
});
afterEach(() => folder.remove());
afterAll(() => api.stop());
const cli = (...args: string[]) => runCli(["module", ...args], { env: { SECUXFLOW_API: api.url } });
const sent = () => api.seen.at(-1)?.body as Record<string, unknown>;

describe("module", () => {
  it.each([
    [["enable", "ips"], {}],
    [["enable", "ips", "--version-of", "0.2.0", "--rules", "builtin"], { version: "0.2.0", rules: "builtin" }],
    [["canary", "ips", "--share", "10%"], { share: 1_000 }],
    [["canary", "ips", "--share", "2.5"], { share: 250 }],
    [["quarantine", "ips", "--reason", "loud"], { reason: "loud" }],
    [["promote", "ips"], {}],
  ])("%j asks for it", async (args, body) => {
    expect((await cli(...args)).exit).toBe(0);
    expect(sent()).toEqual({ ...body, options: { waitMs: 5_000 } });
    expect(api.seen.at(-1)?.path).toBe(`/v1/modules/ips/${args[0] ?? ""}`);
  });

  it("merges settings, where an empty value takes one out", async () => {
    await cli("configure", "ips", "a=1", "b=", "c=x=y", "--fail", "closed");
    expect(sent()).toMatchObject({ settings: { a: "1", b: null, c: "x=y" }, failMode: "closed" });
  });

  it.each([
    [["canary", "ips"], "--share: which share of the flows"],
    [["canary", "ips", "--share", "100%"], "a share is 1% to 99%"],
    [["configure", "ips", "nonsense"], "is not key=value"],
    [["configure", "ips"], "what is to change"],
    [["enable"], "NAME: which one"],
    [["push"], "FILE: which file"],
    [["push", "/nowhere.wasm"], "cannot be read (ENOENT)"],
    [["keygen"], "FILE: which file"],
  ])("%j is wrong usage", async (args, message) => {
    const { exit, stderr } = await cli(...args);
    expect([exit, stderr.includes(message)]).toEqual([2, true]);
  });

  it("makes a key that signs, and overwrites none", async () => {
    const file = join(folder.path, "k.pem");
    const { stdout } = await cli("keygen", file, "-o", "json");
    const { keyId, publicKey } = JSON.parse(stdout) as { keyId: string; publicKey: string };
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await cli("keygen", file)).toMatchObject({ exit: 2 });
    const { signModule } = await import("../offline/signing.js");
    const module = { name: "m", version: "1.0.0", digest: `sha256:${"0".repeat(64)}` };
    const signature = signModule(module, file);
    expect(signature.keyId).toBe(keyId);
    const key = createPublicKey(readFileSync(publicKey));
    expect(verify(null, Buffer.from(moduleStatement(module)), key, Buffer.from(signature.value, "base64"))).toBe(true);
    expect(() => signModule(module, publicKey)).toThrow(/holds no Ed25519 private key/);
  });

  it("says where it is not in force, and escapes what modules say", async () => {
    const changed = {
      ...documents.moduleChanged,
      module: documents.moduleDetail,
      enforcement: { ...documents.moduleChanged.enforcement, inspectors: 2, pending: ["insp-2"] },
      warnings: ["inspector insp-2: \x1b[31mno"],
    };
    api.routes.set("POST /v1/modules/ips/enable", changed);
    const { exit, stderr } = await cli("enable", "ips");
    expect(exit).toBe(4);
    expect(stderr).toContain("warning: inspector insp-2: \\x1b[31mno");
    expect(stderr).toContain("not yet in force on 1 inspector: insp-2");
    expect(stderr).toContain("next: secuxflow-cli module show ips");
  });
});
