#!/usr/bin/env node
import { existsSync } from "node:fs";
import * as module from "node:module";

const bundle = new URL("../dist/secuxflow-cli.mjs", import.meta.url);
if (existsSync(bundle)) {
  module.enableCompileCache?.(); // Node 22 and newer: compiled once, loaded faster afterwards
  await import(bundle.href);
} else {
  process.stderr.write("secuxflow-cli: it is not built yet\nnext: npm run build (in the folder of SecuXFlow)\n");
  process.exitCode = 1;
}
