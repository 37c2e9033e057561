import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runCommand, tempDir, type TempDir } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DOCKER_TOOLS } from "./engine.js";

const LOCK = {
  packages: {
    "services/inspector": { dependencies: { "@x/lib": "*", far: "*" } },
    "node_modules/@x/lib": { link: true, resolved: "packages/lib" },
    "packages/lib": {},
    "node_modules/far": {},
    "node_modules/unwanted": {},
  },
};
const FILES = {
  "services/inspector/package.json": "{}",
  "services/inspector/dist/main.js": "",
  "services/inspector/dist/main.js.map": "",
  "services/inspector/dist/testing/stage.js": "",
  "services/inspector/src/main.ts": "",
  "packages/lib/package.json": "{}",
  "packages/lib/dist/index.js": "one",
  "node_modules/far/index.js": "",
  "node_modules/far/index.d.ts": "",
  "node_modules/far/LICENSE": "",
  "node_modules/unwanted/index.js": "",
  "package-lock.json": JSON.stringify(LOCK),
};

/** The tooling works on the checkout it lies in: here a small one. */
describe("context.mjs", () => {
  let checkout: TempDir;
  const put = (path: string, text: string) => {
    mkdirSync(join(checkout.path, dirname(path)), { recursive: true });
    writeFileSync(join(checkout.path, path), text);
  };
  const make = () =>
    runCommand(process.execPath, [join(checkout.path, "deploy/docker/context.mjs"), "inspector"], { check: false });
  const contents = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();

  beforeEach(async () => {
    checkout = await tempDir("context");
    cpSync(DOCKER_TOOLS, join(checkout.path, "deploy/docker"), { recursive: true });
    for (const [path, text] of Object.entries(FILES)) put(path, text);
    mkdirSync(join(checkout.path, "node_modules/@x"), { recursive: true });
    symlinkSync("../../packages/lib", join(checkout.path, "node_modules/@x/lib"));
  });
  afterEach(() => checkout.remove());

  it("holds what runs in production and nothing else, packages apart from workspaces", async () => {
    put("wasm/dist/waf.wasm", "wasm");
    put("wasm/dist/index.js", "");
    const { code, stdout } = await make();
    expect(code).toBe(0);
    expect(contents(stdout.trim())).toEqual([
      "Dockerfile", "app/healthcheck.mjs", "app/node_modules/@x/lib",
      "app/packages/lib/dist/index.js", "app/packages/lib/package.json",
      "app/services/inspector/dist/main.js", "app/services/inspector/package.json", "app/wasm/dist/waf.wasm",
      "deps/node_modules/far/LICENSE", "deps/node_modules/far/index.js",
    ]);
    expect(readFileSync(join(stdout.trim(), "app/packages/lib/dist/index.js"), "utf8")).toBe("one");
  });

  it("is refused where what the service reads is missing, with or without its folder", async () => {
    const told = "error: wasm/dist holds nothing that inspector needs";
    expect(await make()).toMatchObject({ code: 1, stderr: expect.stringContaining(told) as unknown });
    put("wasm/dist/index.js", "");
    expect(await make()).toMatchObject({ code: 1, stderr: expect.stringContaining(told) as unknown });
  });
});
