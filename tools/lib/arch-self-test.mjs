// Shows that the architecture check finds what it is there for: violations are planted in a small copy of the layout.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ALLOWED } from "./architecture.mjs";
import { checkArchitecture } from "./cruise.mjs";
import { ROOT } from "./paths.mjs";

const NAMES = { "packages/libbpf-ts": "libbpf-ts" };
const nameOf = (folder) => NAMES[folder] ?? `@secuxflow/${folder.split("/").at(-1)}`;

/** A layout without violations: allowed imports of every kind. */
const CLEAN = {
  "packages/event-store/src/index.ts": 'import type { X } from "@secuxflow/contracts";\nexport type Y = X;\n',
  "packages/inspect-abi/src/address.ts": 'import { isIPv4 } from "node:net";\nexport { isIPv4 };\n',
  "packages/nats/src/index.ts": 'import { connect } from "@nats-io/transport-node";\nexport { connect };\n',
  "services/xdp-agent/src/index.ts": 'import "libbpf-ts";\nimport "@secuxflow/nats";\nimport { a } from "./rules/domain/a.js";\nexport { a };\n',
  "services/xdp-agent/src/rules/domain/a.ts": 'import type { X } from "@secuxflow/contracts";\nimport { b } from "./b.js";\nexport const a: X = b;\n',
  "services/xdp-agent/src/rules/domain/b.ts": 'import type { a } from "./a.js";\nexport const b = 1 as unknown as typeof a;\n',
  "services/xdp-agent/src/rules/domain/a.unit.spec.ts": 'import "@secuxflow/testkit";\nimport "node:fs";\nimport "./a.js";\n',
};

/** One violation each: the file, and the words of the problem it must lead to. */
const PLANTED = [
  ["packages/contracts/src/up.ts", 'import type { Y } from "@secuxflow/event-store";\nexport type Z = Y;\n', "packages/contracts: direction"],
  ["packages/event-store/src/up.ts", 'import "@secuxflow/nats";\n', "packages/event-store: direction"],
  ["packages/module-host/src/up.ts", 'import "@secuxflow/inspector";\n', "packages/module-host: direction"],
  ["services/rule-api/src/other.ts", 'import "@secuxflow/alerting";\n', "services/rule-api: direction"],
  ["services/inspector/src/bpf.ts", 'import "libbpf-ts";\n', "services/inspector: direction"],
  ["services/alerting/src/kit.ts", 'import "@secuxflow/testkit";\n', "services/alerting: direction"],
  ["services/alerting/src/other.unit.spec.ts", 'import "@secuxflow/inspector";\n', "services/alerting: direction in tests"],
  ["services/alerting/src/nats.ts", 'import "@nats-io/transport-node";\n', "nats client"],
  ["cli/src/nats.ts", 'import "@secuxflow/nats";\n', "cli: direction"],
  ["cli/src/nest.ts", 'import "@nestjs/common";\n', "cli over http"],
  ["services/rule-api/src/policy/domain/io.ts", 'import { readFileSync } from "node:fs";\nexport { readFileSync };\n', "domain is pure"],
  ["services/rule-api/src/policy/domain/out.ts", 'import "../adapters/x.js";\n', "domain is pure"],
  ["packages/contracts/src/io.ts", 'import "node:fs";\n', "pure packages"],
  ["packages/contracts/src/socket.ts", 'import { isIP, connect } from "node:net";\nexport { isIP, connect };\n', "not connect"],
  ["packages/event-store/src/sockets.ts", 'import * as net from "node:net";\nexport { net };\n', "not all of it"],
  ["services/inspector/src/deep.ts", 'import "@secuxflow/contracts/dist/events.js";\n', "found"],
  ["services/inspector/src/missing.ts", 'import "./not-there.js";\n', "found"],
  ["services/inspector/src/path.ts", 'import "../../../packages/contracts/src/index.js";\n', "leaves its workspace by path"],
  ["services/inspector/src/one.ts", 'import { two } from "./two.js";\nexport const one = () => two;\n', "no cycles"],
  ["services/inspector/src/shipped.ts", 'import "./some.unit.spec.js";\n', "tests stay tests"],
];

/** What the planted files lead to. */
const HELPERS = {
  "services/rule-api/src/policy/adapters/x.ts": "export {};\n",
  "services/inspector/src/two.ts": 'import { one } from "./one.js";\nexport const two = () => one;\n',
  "services/inspector/src/some.unit.spec.ts": "export {};\n",
};

function layout(files) {
  const root = mkdtempSync(join(tmpdir(), "secuxflow-arch-"));
  const all = { ...files };
  for (const folder of Object.keys(ALLOWED)) {
    all[`${folder}/package.json`] = JSON.stringify({ name: nameOf(folder), type: "module", exports: { ".": { default: "./dist/index.js" } } });
    all[`${folder}/src/index.ts`] ??= "export type X = number;\n";
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  return root;
}

async function problemsIn(files, floor) {
  const root = layout(files);
  try {
    return (await checkArchitecture(root, floor)).problems;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/**
 * @param {(text: string) => void} [say]
 * @returns {Promise<boolean>} true when everything planted was found, and nothing where nothing is wrong
 */
export async function selfTest(say = console.log) {
  const failures = [];
  const none = { modules: 0, dependencies: 0 };
  const clean = await problemsIn(CLEAN, none);
  failures.push(...clean.map((problem) => `found in a clean layout: ${problem}`));

  const planted = await problemsIn({ ...CLEAN, ...HELPERS, ...Object.fromEntries(PLANTED) }, none);
  for (const [path, , rule] of PLANTED) {
    const found = planted.some((problem) => problem.includes(path) && problem.includes(`${rule}`));
    if (!found) failures.push(`not found: ${rule} in ${path}`);
  }
  const little = await problemsIn(CLEAN, { modules: 1_000, dependencies: 1_000 });
  if (little.filter((problem) => problem.startsWith("saw only")).length !== 2) failures.push("not found: too few modules and dependencies");

  for (const failure of failures) say(`✗ ${failure}`);
  say(`architecture self-test: ${PLANTED.length + 2} checks, ${failures.length} failed`);
  return failures.length === 0;
}
