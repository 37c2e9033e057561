#!/usr/bin/env node
// Turns a fresh Debian 12 with Node 20 and root into a working checkout. Fast when there is nothing to do.
import "./lib/node-version.mjs";
import { namesOf, parseOptions } from "./lib/options.mjs";
import { setUp, STEP_NAMES } from "./lib/set-up.mjs";

const USAGE = `Usage: npm run setup -- [--only STEP,STEP] [--docker] [--quiet]

  --only     these steps alone: ${STEP_NAMES.join(", ")}
  --docker   also install what the container tests need (docker.io, docker-compose, busybox-static)
  --quiet    say nothing of steps that have nothing to do`;

const { values } = parseOptions(USAGE, {
  only: { type: "string", multiple: true },
  docker: { type: "boolean" },
  quiet: { type: "boolean" },
});
const only = namesOf(values.only, STEP_NAMES, "--only", USAGE);
const { docker, quiet } = values;
process.exitCode = (await setUp({ docker, quiet, ...(only && { only }) })) ? 0 : 1;
