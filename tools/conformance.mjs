#!/usr/bin/env node
// npm run conformance: the third-party test suites.
import "./lib/node-version.mjs";
import { launch } from "./lib/launch.mjs";

await launch("conformance/dist/main.js");
