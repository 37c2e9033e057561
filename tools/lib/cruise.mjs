// Reads the imports of the checkout with dependency-cruiser and tells what breaks the rules.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cruise } from "dependency-cruiser";
import { ALLOWED, FLOOR, PURE, PURE_NET, rules } from "./architecture.mjs";

/**
 * @param {string} root the checkout
 * @param {{ modules: number, dependencies: number }} [floor]
 * @returns {Promise<{ problems: string[], modules: number, dependencies: number }>}
 */
export async function checkArchitecture(root, floor = FLOOR) {
  const workspaces = Object.keys(ALLOWED).filter((folder) => existsSync(join(root, folder, "src")));
  const before = process.cwd();
  process.chdir(root); // dependency-cruiser's paths are relative to the working directory
  let output;
  try {
    ({ output } = await cruise(
      workspaces.map((folder) => `${folder}/src`),
      {
        baseDir: root,
        validate: true,
        ruleSet: { forbidden: rules() },
        tsPreCompilationDeps: true, // types count too
        doNotFollow: { path: "node_modules" },
        combinedDependencies: true,
        enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["types", "import", "node", "default"], mainFields: ["types", "main"] },
      },
      { alias: aliases(root, workspaces) },
      { tsConfig: { options: {} } },
    ));
  } finally {
    process.chdir(before);
  }
  const edges = output.modules.flatMap((module) => module.dependencies.map((dependency) => ({ from: module.source, ...dependency })));
  const own = output.modules.filter((module) => workspaceOf(module.source, workspaces));
  const problems = output.summary.violations.map(describe);
  problems.push(...edges.filter((edge) => leavesByPath(edge, workspaces)).map((edge) => `${edge.from} → ${edge.module}\n    leaves its workspace by path: import the package by its name`));
  problems.push(...own.flatMap((module) => socketsIn(root, module)));
  const count = { modules: own.length, dependencies: edges.length };
  for (const [what, least] of Object.entries(floor)) {
    if (count[what] < least) problems.push(`saw only ${count[what]} ${what}, expected ${least} or more: the check does not see the code`);
  }
  return { problems, ...count };
}

/** Packages lead to their sources, so that the check needs no build and follows imports across workspaces. */
function aliases(root, workspaces) {
  const entries = workspaces.flatMap((folder) => {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    return Object.entries(exports)
      .map(([subpath, target]) => [`${name}${subpath.slice(1)}$`, target.default?.replace(/^\.\/dist\/(.*)\.js$/, `${folder}/src/$1.ts`)])
      .filter(([, source]) => source && existsSync(join(root, source)))
      .map(([specifier, source]) => [specifier, join(root, source)]);
  });
  return Object.fromEntries(entries);
}

const workspaceOf = (path, workspaces) => workspaces.find((folder) => path.startsWith(`${folder}/`));

function leavesByPath({ from, module, resolved }, workspaces) {
  const home = workspaceOf(from, workspaces);
  return home !== undefined && module.startsWith(".") && !resolved.startsWith(`${home}/`);
}

/** A pure package may look at addresses with `node:net`, and open nothing. */
function socketsIn(root, { source, dependencies }) {
  if (!new RegExp(PURE).test(source) || !dependencies.some(({ module }) => /^(node:)?net$/.test(module))) return [];
  const imports = /import (.*?) from "(?:node:)?net"/s.exec(readFileSync(join(root, source), "utf8"))?.[1] ?? "";
  const names = /^\{(.*)\}$/s.exec(imports)?.[1]?.split(",").map((name) => name.trim()).filter(Boolean) ?? ["all of it"];
  const wrong = names.filter((name) => !PURE_NET.test(name));
  return wrong.length === 0 ? [] : [`${source} → net\n    pure packages: may take isIP, isIPv4 and isIPv6, not ${wrong.join(", ")}`];
}

function describe({ rule, from, to, cycle, comment }) {
  const path = cycle ? [from, ...cycle.map((step) => step.name ?? step)].join(" → ") : `${from} → ${to}`;
  const why = comment ?? rules().find(({ name }) => name === rule.name)?.comment;
  return `${path}\n    ${rule.name}: ${why}`;
}
