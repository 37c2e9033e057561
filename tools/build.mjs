#!/usr/bin/env node
// Makes everything that is made from sources: native addon, XDP program, WASM modules, TypeScript, CLI.
import "./lib/node-version.mjs";
import { parseOptions } from "./lib/options.mjs";
import { BUILD_STEPS, setUp } from "./lib/set-up.mjs";

const { values } = parseOptions("Usage: npm run build -- [--quiet]", { quiet: { type: "boolean" } });
process.exitCode = (await setUp({ only: BUILD_STEPS, quiet: values.quiet })) ? 0 : 1;
