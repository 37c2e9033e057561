#!/usr/bin/env node
// npm start: the whole system and the lab, until Ctrl-C.
import "./lib/node-version.mjs";
import { launch } from "./lib/launch.mjs";

await launch("lab/dist/main.js", ["start"]);
