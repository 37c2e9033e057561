// Builds the inspection modules: `node wasm/build.mjs [--force] [--quiet]`. For each folder of wasm/modules
//   rules/         *.rules (Suricata) or *.conf (SecLang): compiled to the rule image that the module brings along
//   assembly/      → dist/<id>.wasm                with manifest, rules and self-tests as custom sections
//                  → dist/<id>.json                { id, version, sha256, bytes, inputs }
// `node wasm/make-selftests.mjs` writes selftest.json.
// A module whose inputs did not change is left alone. What was built is then loaded by the module host and must pass its own
// self-tests, else the build fails.
//
// Compiler options. Runtime `minimal`: an allocator (TLSF) and no garbage collection, since nothing in the packet path is a
// managed object. Assertions stay on: a trap is better than a lie.
// SIMD is on in every engine that runs Node 20. The memory maximum is the manifest's.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
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

/** Sources of what compiles the rules: other code, other images. */
async function packageSources() {
  const folders = ["regex", "rule-image", "seclang", "suricata-rules", "module-host"].map((name) => join(here, "../packages", name, "src"));
  const files = (await Promise.all(folders.map(filesUnder))).flat();
  return files.filter((file) => file.endsWith(".ts") && !file.endsWith(".spec.ts"));
}

/** The module host and the rule compilers, bundled from source, so that this works before anything is compiled by tsc. */
async function loadHost() {
  const packages = join(here, "../packages");
  const sources = ["inspect-abi", "module-host", "regex", "rule-image", "seclang", "suricata-rules"];
  const file = join(dist, `.host-${process.pid}.mjs`);
  await bundle({
    stdin: {
      contents: ["module-host", "seclang", "suricata-rules"].map((name) => `export * from "@secuxflow/${name}";`).join("\n"),
      resolveDir: here,
    },
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    alias: Object.fromEntries(sources.map((name) => [`@secuxflow/${name}`, join(packages, name, "src/index.ts")])),
    external: ["@wasmer/wasi", "zod"],
    tsconfigRaw: "{}",
  });
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(file, { force: true });
  }
}

/** The rule image of a module's folder `rules`, and how many rules are in it; a refused rule fails the build. */
async function ruleImage(folder, language, host) {
  const names = (await filesUnder(join(folder, "rules"))).filter((name) => /\.(rules|conf|data)$/.test(name));
  const files = await Promise.all(names.map(async (path) => ({ name: basename(path), text: await readFile(path, "utf8") })));
  const texts = files.filter(({ name }) => !name.endsWith(".data"));
  const read = (name) => files.find((file) => file.name === basename(name))?.text;
  const compiled = language === "seclang" ? host.compileSecLang(texts, { read }) : host.compileSuricata(texts, {});
  if (compiled.refused.length > 0) {
    const lines = compiled.refused.map(({ file, line, column, reason }) => `  ${file}:${line}:${column}: ${reason}`);
    throw new Error(`${relative(here, folder)}: ${lines.length} rules are refused:\n${lines.join("\n")}`);
  }
  return compiled;
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
      "minimal",
      "-O3",
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
  const { image, rules } = await ruleImage(folder, manifest.ruleLanguage, loadedHost);
  manifest.rules = [];
  let wasm = await compile(folder, manifest);
  wasm = loadedHost.withCustomSection(wasm, loadedHost.MANIFEST_SECTION, Buffer.from(JSON.stringify(manifest)));
  wasm = loadedHost.withCustomSection(wasm, loadedHost.RULES_SECTION, image);
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
      `${name}: ${wasm.byteLength} bytes, ${rules.length} rules, ${tested.passed} self-tests passed, ` +
        `${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  }
}

async function main() {
  await mkdir(dist, { recursive: true });
  const shared = [
    fileURLToPath(import.meta.url),
    ...(await filesUnder(join(here, "abi/assembly"))),
    ...(await filesUnder(join(here, "engine"))),
    ...(await filesUnder(join(here, "sdk/assembly"))),
    ...(await packageSources()),
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
