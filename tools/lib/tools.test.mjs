import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nodeHeaders } from "../steps/build.mjs";
import { installDifference, lockDifference } from "../steps/npm.mjs";
import { selfTest } from "./arch-self-test.mjs";
import { execLogged, StepError } from "./exec.mjs";
import { completeLock, missingFromLock, platformEntry } from "./lock-file.mjs";
import { takeLock } from "./lock.mjs";
import { ROOT } from "./paths.mjs";
import { createProgress } from "./progress.mjs";
import { digestOf, filesBelow } from "./stamp.mjs";
import { STEP_NAMES } from "./set-up.mjs";

const folder = mkdtempSync(join(tmpdir(), "secuxflow-tools-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("the architecture check finds what is planted", async () => {
  const said = [];
  assert.equal(await selfTest((text) => said.push(text)), true, said.join("\n"));
});

test("a digest depends on paths, contents and facts, and not on times", () => {
  const path = join(folder, "a.txt");
  const digest = (text, facts) => {
    writeFileSync(path, text);
    return digestOf([path], facts);
  };
  assert.equal(digest("x", [1]), digest("x", [1]));
  assert.notEqual(digest("x", [1]), digest("y", [1]));
  assert.notEqual(digest("x", [1]), digest("x", [2]));
  const before = digest("x");
  writeFileSync(join(folder, "b.txt"), "x");
  assert.notEqual(digestOf([join(folder, "b.txt")]), before);
});

test("files are listed sorted, without build products, and a missing folder has none", () => {
  mkdirSync(join(folder, "tree/dist"), { recursive: true });
  for (const name of ["b.ts", "a.ts", "c.md", "dist/d.ts"]) writeFileSync(join(folder, "tree", name), "");
  assert.deepEqual(filesBelow(join(folder, "tree"), (name) => name.endsWith(".ts")), [join(folder, "tree/a.ts"), join(folder, "tree/b.ts")]);
  assert.deepEqual(filesBelow(join(folder, "none")), []);
});

const lock = {
  packages: {
    "": { dependencies: { a: "^1.0.0" } },
    "node_modules/a": { version: "1.2.0", integrity: "sha512-a" },
    "node_modules/other-platform": { version: "1.0.0", integrity: "sha512-o", optional: true },
    "packages/x": { dependencies: { a: "^1.0.0", b: "^2.0.0" } },
  },
};

test("npm's record of what is installed is compared with the lock file", () => {
  const installed = (entry) => ({ packages: { "node_modules/a": entry } });
  const there = () => true;
  assert.equal(installDifference(lock, installed(lock.packages["node_modules/a"]), there), undefined);
  assert.match(installDifference(lock, undefined, there), /nothing/);
  assert.match(installDifference(lock, installed({ version: "1.1.0", integrity: "sha512-a" }), there), /is 1\.1\.0, not 1\.2\.0/);
  assert.match(installDifference(lock, installed({ version: "1.2.0", integrity: "sha512-z" }), there), /not/);
  assert.match(installDifference(lock, { packages: {} }, there), /missing/);
  assert.match(installDifference(lock, installed(lock.packages["node_modules/a"]), () => false), /gone/);
});

test("the workspaces' package.json files are compared with the lock file, in any order", () => {
  const manifests = (x) => new Map([["", { dependencies: { a: "^1.0.0" } }], ["packages/x", x]]);
  assert.equal(lockDifference(lock, manifests({ dependencies: { b: "^2.0.0", a: "^1.0.0" } })), undefined);
  assert.match(lockDifference(lock, manifests({ dependencies: { a: "^1.0.0" } })), /packages\/x changed/);
  assert.match(lockDifference(lock, new Map([["packages/y", {}]])), /does not know packages\/y/);
});

test("the lock file holds everything that it names: `npm ci` refuses it otherwise", () => {
  const partial = { packages: { "": { dependencies: { a: "1" } }, "node_modules/a": { optionalDependencies: { b: "1" } } } };
  assert.deepEqual(missingFromLock(partial), ["b (wanted by node_modules/a)"]);
  const nested = { packages: { ...partial.packages, "node_modules/a/node_modules/b": {} } };
  assert.deepEqual(missingFromLock(nested), []);
  assert.deepEqual(missingFromLock(JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"))), []);
});

test("platform packages that a registry does not have are added to the lock file", () => {
  assert.deepEqual(platformEntry("@x/binding-linux-arm64-musl", "1.2.3"), { version: "1.2.3", cpu: ["arm64"], libc: ["musl"], optional: true, os: ["linux"] });
  assert.deepEqual(platformEntry("@x/binding-linux-arm-gnueabihf", "1.2.3").libc, ["glibc"]);
  assert.deepEqual(platformEntry("@x/binding-win32-ia32-msvc", "1.2.3-stable.1"), { version: "1.2.3-stable.1", cpu: ["ia32"], optional: true, os: ["win32"] });
  assert.equal(platformEntry("@x/helper", "1.2.3"), undefined);
  assert.equal(platformEntry("@x/binding-darwin-x64", "^1.2.3"), undefined);
  const lock = { packages: { "": {}, "node_modules/z": { dev: true, optionalDependencies: { "a-darwin-x64": "1.0.0", other: "^1" } } } };
  const { lock: completed, added, unknown } = completeLock(lock);
  assert.deepEqual([added, unknown], [["a-darwin-x64"], ["other (wanted by node_modules/z)"]]);
  assert.deepEqual(Object.keys(completed.packages), ["", "node_modules/a-darwin-x64", "node_modules/z"]);
  assert.equal(completed.packages["node_modules/a-darwin-x64"].dev, true);
});

test("Node's headers are found beside it or in /usr, and only those of its major version", () => {
  const major = process.versions.node.split(".")[0];
  const header = (version) => `#define NODE_MAJOR_VERSION ${version}\n`;
  assert.equal(nodeHeaders("/opt/node/bin/node", (path) => (path.startsWith("/opt/node/include") ? header(major) : undefined)), "/opt/node");
  assert.equal(nodeHeaders("/opt/node/bin/node", (path) => header(path.startsWith("/usr/") ? major : "1")), "/usr");
  assert.throws(() => nodeHeaders("/opt/node/bin/node", () => header("1")), StepError);
});

test("a failing program leaves its output in the log and says what to do", async () => {
  const log = join(folder, "logs/x.log");
  await assert.rejects(execLogged("sh", ["-c", "echo seen; exit 3"], { log, next: "try harder" }), { name: "StepError", next: "try harder", log });
  await assert.rejects(execLogged("no-such-program", [], { log, next: "x" }), /cannot run no-such-program/);
});

test("a lock is held by one, waited for, and free again when its holder is killed", async () => {
  const file = join(folder, "locks/setup.lock");
  const holder = spawn(process.execPath, ["--input-type=module", "-e", `
    import { takeLock } from ${JSON.stringify(new URL("./lock.mjs", import.meta.url).href)};
    await takeLock(${JSON.stringify(file)}, () => {});
    console.log("held");
    setInterval(() => {}, 1000);`], { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  let owner = "";
  const taken = takeLock(file, (pid) => {
    owner = pid;
    holder.kill("SIGKILL");
  });
  const release = await taken;
  assert.equal(owner, String(holder.pid));
  release();
});

test("progress prints plain lines without controls where there is no terminal", () => {
  const lines = [];
  const progress = createProgress({ stream: { write: (text) => lines.push(text) } });
  progress.already("one");
  const step = progress.begin("two");
  step.line("\u001b[31mred\u001b[0m");
  step.done();
  progress.begin("three").failed();
  assert.match(lines.join(""), /^✓ one: up to date\n✓ two \d+\.\d s\n✗ three failed after \d+\.\d s\n$/);
});

test("quiet progress says nothing of what is done already", () => {
  const lines = [];
  const progress = createProgress({ quiet: true, stream: { write: (text) => lines.push(text) } });
  progress.already("one");
  progress.begin("two").already();
  assert.deepEqual(lines, []);
});

test("wrong arguments exit with 2 and say what there is", () => {
  const setup = (...args) => spawnSync(process.execPath, [new URL("../setup.mjs", import.meta.url).pathname, ...args], { encoding: "utf8" });
  const wrong = setup("--only", "nothing");
  assert.equal(wrong.status, 2);
  for (const name of STEP_NAMES) assert.ok(wrong.stderr.includes(name));
  assert.equal(setup("--colour").status, 2);
  const help = setup("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--docker/);
});
