#!/usr/bin/env node
// npm run bench: the benchmark suites.
import "./lib/node-version.mjs";
import { launch } from "./lib/launch.mjs";

await launch("bench/dist/main.js");
