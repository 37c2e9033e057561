import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CommandSpec } from "../command.js";
import { Values } from "../context.js";
import { CliError } from "../errors.js";
import { EXIT } from "../exit.js";
import { API_VERSION } from "../http/shapes.generated.js";
import { printDocument } from "../output/format.js";
import { text } from "./common.js";

const LANGUAGES = ["as", "c"] as const;
type Language = (typeof LANGUAGES)[number];

/** What of the SDK goes along, from below `wasm` to below the new folder. */
const PARTS: Readonly<Record<Language, readonly (readonly [from: string, to: string])[]>> = {
  as: [
    ["sdk/assembly", "vendor/sdk/assembly"],
    ["abi/assembly", "vendor/abi/assembly"],
  ],
  c: [
    ["sdk/c/secuxflow.h", "include/secuxflow.h"],
    ["abi/secuxflow_abi.h", "include/secuxflow_abi.h"],
  ],
};

/** The folder `wasm` of the checkout or installation that this program is in. @throws CliError when there is none */
function wasmFolder(): string {
  for (let at = import.meta.dirname; ; at = dirname(at)) {
    if (existsSync(join(at, "wasm/templates/as/manifest.json"))) return join(at, "wasm");
    if (dirname(at) === at) break;
  }
  throw new CliError("the templates of modules are not here", { exit: EXIT.failed, next: "use the program of a checkout: its wasm/templates has them" });
}

/** All files below a folder. */
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)).filter((path) => statSync(path).isFile());

/**
 * Writes a module that builds and passes its tests.
 * @param folder must not be there yet
 * @throws CliError when it is
 */
export function writeModule(name: string, language: Language, folder: string): void {
  if (existsSync(folder)) throw new CliError(`${folder} is there already`, { exit: EXIT.usage, next: "give another name, or another folder with --dir" });
  const wasm = wasmFolder();
  mkdirSync(folder, { recursive: true });
  cpSync(join(wasm, "templates", language), folder, { recursive: true });
  for (const file of filesBelow(folder)) writeFileSync(file, readFileSync(file, "utf8").replaceAll("__NAME__", name));
  mkdirSync(join(folder, "tools"));
  for (const file of ["pack.mjs", `${language}.mjs`]) cpSync(join(wasm, "templates/tools", file), join(folder, "tools", file));
  for (const [from, to] of PARTS[language]) cpSync(join(wasm, from), join(folder, to), { recursive: true });
  writeFileSync(join(folder, ".gitignore"), "node_modules/\n*.wasm\n");
}

export const NEW: CommandSpec = {
  name: "new",
  summary: "begin a module of your own",
  description:
    "Write the folder of a new module, with the SDK, a rule, tests, and a build of one command. It builds and passes its tests as it is: " +
    "docs/modules.md says how to go on.",
  options: [
    ["--lang <language>", "as is AssemblyScript, c is C (needs clang and wasm-ld)", { choices: LANGUAGES as unknown as string[], default: "as" }],
    ["--dir <folder>", "where to write it", { default: "./NAME" }],
  ],
  argument: { name: "NAME", description: "name of the module: lower-case letters, digits and hyphens" },
  examples: [
    ["module new sensor", "in AssemblyScript, in the folder sensor"],
    ["module new sensor --lang c --dir /tmp/sensor", "in C, elsewhere"],
  ],
  run: async (context, options, name) => {
    const values = new Values();
    if (name === undefined) values.fault("NAME", "which name? lower-case letters, digits and hyphens");
    else if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) values.fault("NAME", "a module's name is lower-case letters, digits and hyphens, at most 63");
    const language = values.word("--lang", text(options, "lang"), LANGUAGES) ?? "as";
    values.check();
    const id = name ?? "";
    const folder = text(options, "dir") ?? id;
    writeModule(id, language, folder);
    const next = [`node ${join(folder, "build.mjs")}`, `secuxflow-cli module test ${join(folder, `${id}.wasm`)}`];
    await printDocument(context.out, context.format, { apiVersion: API_VERSION, kind: "ModuleFolder", name: id, language, folder, next }, () => [
      [`module ${id} written to ${folder}`],
      [`next: ${next.join(" && ")}`],
    ]);
    return EXIT.done;
  },
};
