// Bundles the CLI to dist/secuxflow-cli.mjs (and what it loads later to dist/chunks); skips what has not changed, by content.
// Starting from one small file takes half the time of resolving a hundred modules.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build, version as esbuild } from "esbuild";

const here = import.meta.dirname;
const dist = join(here, "dist");
const output = join(dist, "secuxflow-cli.mjs");
const stampFile = join(dist, ".cli-stamp");
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));

const sources = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sources(path);
      return /\.(js|ts)$/.test(entry.name) && !/\.(spec|d)\.(js|ts)$/.test(entry.name) ? [path] : [];
    })
    .sort();

const packages = join(here, "../packages");
const contracts = join(packages, "contracts/dist");
// What `inspect` and its like load when they are asked for.
const offline = ["inspect-abi", "inspect-offline", "module-host", "pcap", "eve", "regex", "rule-image", "seclang", "suricata-rules"];
const bundled = [contracts, ...offline.map((name) => join(packages, name, "dist"))];
for (const folder of bundled) {
  if (existsSync(join(folder, "index.js"))) continue;
  console.error(`cli: ${relative(join(here, ".."), folder)} is not built; run npm run build, or npx tsc -b cli`);
  process.exit(1);
}
const digest = createHash("sha256").update(JSON.stringify([version, esbuild]));
for (const file of [import.meta.filename, ...sources(join(here, "src")), ...bundled.flatMap(sources)])
  digest.update(`\0${file.slice(here.length)}\0`).update(readFileSync(file));
for (const name of ["commander", "yaml", "zod", "ipaddr.js", "@wasmer/wasi"])
  digest.update(readFileSync(join(here, "../node_modules", name, "package.json")));
const stamp = digest.digest("hex");

if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp && existsSync(output)) {
  console.log("cli: up to date");
} else {
  mkdirSync(dist, { recursive: true });
  const result = await build({
    entryPoints: { "secuxflow-cli": join(here, "src/main.ts") },
    bundle: true,
    write: false,
    outdir: dist,
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunks/[name]-[hash]",
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    minify: true,
    keepNames: true,
    legalComments: "none",
    metafile: true,
    tsconfigRaw: "{}",
    define: { SECUXFLOW_CLI_VERSION: JSON.stringify(version) },
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    plugins: [
      {
        name: "contracts without side effects",
        // Nothing of the contracts does anything when loaded: what is not used (above all zod) stays out of the start.
        setup(plugin) {
          plugin.onResolve({ filter: /^(@secuxflow\/contracts$|\.)/ }, async ({ path, ...args }) => {
            if (args.pluginData === "resolving") return undefined;
            const found = await plugin.resolve(path, { ...args, pluginData: "resolving" });
            return found.path?.startsWith(contracts) ? { ...found, sideEffects: false } : undefined;
          });
        },
      },
    ],
  });
  const chunks = join(dist, "chunks");
  const old = existsSync(chunks) ? readdirSync(chunks) : [];
  mkdirSync(chunks, { recursive: true });
  // Chunks first, the file that names them last: a CLI that is started meanwhile finds what it needs.
  const files = [...result.outputFiles].sort((a, b) => Number(a.path === output) - Number(b.path === output));
  for (const { path, contents } of files) {
    writeFileSync(`${path}.new`, contents);
    renameSync(`${path}.new`, path);
  }
  for (const name of old) if (!files.some(({ path }) => path === join(chunks, name))) rmSync(join(chunks, name));
  writeFileSync(stampFile, stamp);
  const kilobytes = Math.round(files.find(({ path }) => path === output).contents.length / 1024);
  console.log(`cli: built dist/secuxflow-cli.mjs (${kilobytes} KiB, and ${files.length - 1} files that are loaded when needed)`);
}
