#!/usr/bin/env node
// npm run attack: one attack on the lab that npm start runs.
import "./lib/node-version.mjs";
import { launch } from "./lib/launch.mjs";

await launch("lab/dist/main.js", ["attack"]);
