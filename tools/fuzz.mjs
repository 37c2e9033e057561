#!/usr/bin/env node
// npm run fuzz: the data plane against a slow model, and every part of the inspection engine.
import "./lib/node-version.mjs";
import { launch } from "./lib/launch.mjs";

await launch("fuzz/dist/main.js");
