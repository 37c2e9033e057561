// Builds the inspection modules: `node wasm/build.mjs [--force] [--quiet]`. For each folder of wasm/modules
//   rules.json     → assembly/generated/rules.ts   rule and pattern image, checked in
//   assembly/      → dist/<id>.wasm                with the manifest (rules included) and the self-tests as custom sections
//                  → dist/<id>.json                { id, version, sha256, bytes, inputs }
// `node wasm/make-selftests.mjs` writes selftest.json.
// A module whose inputs did not change is left alone. What was built is then loaded by the module host and must pass its own
// self-tests, else the build fails.
//
// Compiler options. Runtime `stub`: no garbage collector and no free, since modules reserve all their memory at start-up and
// allocate nothing per packet; a leak is then impossible, and so is a pause. Assertions stay on: a trap is better than a lie.
// SIMD is on in every engine that runs Node 20. The memory maximum is the manifest's.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as bundle } from "esbuild";
import asc from "assemblyscript/asc";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const force = process.argv.includes("--force");
const quiet = process.argv.includes("--quiet");

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

async function filesUnder(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** The module host, bundled from source, so that this works before anything is compiled by tsc. */
async function loadHost() {
  const packages = join(here, "../packages");
  const file = join(dist, `.host-${process.pid}.mjs`);
  await bundle({
    entryPoints: [join(packages, "module-host/src/index.ts")],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    alias: { "@secuxflow/inspect-abi": join(packages, "inspect-abi/src/index.ts") },
    external: ["@wasmer/wasi", "zod"],
    tsconfigRaw: "{}",
  });
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(file, { force: true });
  }
}

const verdicts = { none: 0, alert: 1, drop: 2 };

function patternBytes(pattern, rule) {
  if (!pattern.startsWith("hex:")) return Buffer.from(pattern, "latin1");
  const digits = pattern.slice(4);
  if (!/^([0-9a-f]{2})+$/.test(digits)) throw new Error(`rule ${rule.id}: "${pattern}" is not whole bytes in hexadecimal`);
  return Buffer.from(digits, "hex");
}

/** The image that sdk/assembly/signatures.ts describes. */
function ruleImage({ places, rules }) {
  const patterns = rules.flatMap((rule, index) =>
    (rule.patterns ?? []).map((pattern) => ({ rule, index, bytes: patternBytes(pattern, rule) })),
  );
  const head = Buffer.alloc(8 + rules.length * 16);
  head.writeUInt32LE(rules.length, 0);
  head.writeUInt32LE(patterns.length, 4);
  rules.forEach((rule, i) => {
    const at = 8 + i * 16;
    head.writeUInt32LE(rule.id, at);
    if (verdicts[rule.verdict] === undefined) throw new Error(`rule ${rule.id}: verdict "${rule.verdict}"`);
    head.set([rule.severity, verdicts[rule.verdict], rule.confidence, rule.score ?? 0], at + 4);
  });
  const parts = patterns.map(({ rule, index, bytes }) => {
    const mask = (rule.places ?? []).reduce((sum, place) => {
      if (places[place] === undefined) throw new Error(`rule ${rule.id}: unknown place "${place}"`);
      return sum | places[place];
    }, 0);
    const part = Buffer.alloc(2 + bytes.length + 8);
    part.writeUInt16LE(bytes.length, 0);
    bytes.copy(part, 2);
    part.writeUInt16LE(index, 2 + bytes.length);
    part.writeUInt32LE(mask >>> 0, 2 + bytes.length + 4);
    return part;
  });
  return Buffer.concat([head, ...parts]);
}

/** rules.json as AssemblyScript. */
export function generateRules(source) {
  const image = ruleImage(source);
  const lines = [
    "// Generated from rules.json by `node wasm/build.mjs`; do not edit.",
    "",
    "// Places where patterns count.",
    ...Object.entries(source.places).map(
      ([name, bit]) => `export const PLACE_${name.replace(/[^a-z0-9]/g, "_").toUpperCase()}: u32 = ${bit};`,
    ),
    "",
    "// Numbers of the rules.",
    ...source.rules.map((rule, i) => `/** ${rule.name}. */\nexport const RULE_${rule.id}: u32 = ${i};`),
    "",
    "/** Rules and patterns; see sdk/assembly/signatures.ts. */",
    "export function signatureImage(): usize {",
    "  return memory.data<u8>([",
  ];
  for (let at = 0; at < image.length; at += 32) lines.push(`    ${[...image.subarray(at, at + 32)].join(", ")},`);
  lines.push("  ]);", "}", "");
  return lines.join("\n");
}

async function writeIfChanged(path, text) {
  if (existsSync(path) && (await readFile(path, "utf8")) === text) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function compile(folder, manifest) {
  const messages = [];
  const out = {};
  const result = await asc.main(
    [
      "index.ts",
      "--outFile",
      "out.wasm",
      "--runtime",
      "stub",
      "-O3",
      "--converge",
      "--enable",
      "simd",
      "--maximumMemory",
      String(manifest.memoryPagesMax),
      "--baseDir",
      join(folder, "assembly"),
    ],
    {
      stdout: {
        write: (text) => {
          messages.push(text);
        },
      },
      stderr: {
        write: (text) => {
          messages.push(text);
        },
      },
      writeFile: (name, contents) => {
        out[name] = contents;
      },
    },
  );
  if (result.error !== null || out["out.wasm"] === undefined) {
    throw new Error(`${relative(here, folder)} does not compile:\n${messages.join("")}${result.error?.message ?? ""}`);
  }
  return out["out.wasm"];
}

async function buildModule(name, shared, host) {
  const folder = join(here, "modules", name);
  const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
  if (manifest.id !== name) throw new Error(`modules/${name}/manifest.json has the id "${manifest.id}"`);
  const rules = JSON.parse(await readFile(join(folder, "rules.json"), "utf8"));
  await writeIfChanged(join(folder, "assembly/generated/rules.ts"), generateRules(rules));
  const selfTestPath = join(folder, "selftest.json");
  const selfTests = existsSync(selfTestPath) ? await readFile(selfTestPath, "utf8") : "[]";
  const own = (await filesUnder(folder)).filter((file) => !file.endsWith(".md"));
  const inputs = sha256(
    ...(await Promise.all([...shared, ...own].map(async (file) => `${relative(here, file)}\n${await readFile(file, "utf8")}`))),
  );
  const wasmPath = join(dist, `${name}.wasm`);
  const infoPath = join(dist, `${name}.json`);
  if (!force && existsSync(wasmPath) && existsSync(infoPath)) {
    const info = JSON.parse(await readFile(infoPath, "utf8"));
    if (info.inputs === inputs && info.sha256 === sha256(await readFile(wasmPath))) {
      if (!quiet) console.log(`${name}: unchanged`);
      return;
    }
  }
  const loadedHost = await host();
  const started = performance.now();
  manifest.rules = rules.rules.map(({ id, name: title, category, severity, references }) => ({
    id,
    name: title,
    category,
    severity,
    references,
  }));
  let wasm = await compile(folder, manifest);
  wasm = loadedHost.withCustomSection(wasm, loadedHost.MANIFEST_SECTION, Buffer.from(JSON.stringify(manifest)));
  wasm = loadedHost.withCustomSection(wasm, loadedHost.SELF_TEST_SECTION, Buffer.from(JSON.stringify(JSON.parse(selfTests))));
  const instance = await loadedHost.ModuleInstance.create(wasm);
  const tested = await instance.selfTest();
  if (tested.failures.length > 0) {
    throw new Error(
      `${name} fails its self-tests:\n${tested.failures.map((failure) => `  ${failure.name}: ${failure.detail}`).join("\n")}`,
    );
  }
  const info = { id: manifest.id, version: manifest.version, sha256: sha256(wasm), bytes: wasm.byteLength, inputs };
  // The description is written last: a build that was cut off is done again.
  await rm(infoPath, { force: true });
  await writeFile(`${wasmPath}.${process.pid}`, wasm);
  await rename(`${wasmPath}.${process.pid}`, wasmPath);
  await writeFile(infoPath, `${JSON.stringify(info, null, 2)}\n`);
  if (!quiet) {
    console.log(
      `${name}: ${wasm.byteLength} bytes, ${manifest.rules.length} rules, ${tested.passed} self-tests passed, ` +
        `${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  }
}

async function main() {
  await mkdir(dist, { recursive: true });
  const shared = [
    fileURLToPath(import.meta.url),
    ...(await filesUnder(join(here, "abi/assembly"))),
    ...(await filesUnder(join(here, "sdk/assembly"))),
  ];
  const modules = (await readdir(join(here, "modules"), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  let host;
  for (const name of modules) await buildModule(name, shared, () => (host ??= loadHost()));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`wasm build failed: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  });
}
