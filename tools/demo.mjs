#!/usr/bin/env node
// npm run demo: the loop as a story, from the attack to the drop in the kernel.
import "./lib/node-version.mjs";
import { launch } from "./lib/launch.mjs";

await launch("lab/dist/main.js", ["demo"]);
