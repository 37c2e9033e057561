#!/usr/bin/env node
// Turns a fresh Debian 12 with Node 20 and root into a working checkout. Fast when there is nothing to do.
import "./lib/node-version.mjs";
import { namesOf, parseOptions } from "./lib/options.mjs";
import { setUp, STEP_NAMES } from "./lib/set-up.mjs";

const USAGE = `Usage: npm run setup -- [--only STEP,STEP] [--docker] [--kernel] [--quiet]

  --only     these steps alone: ${STEP_NAMES.join(", ")}
  --docker   also install what the container tests need (docker.io, docker-compose, busybox-static)
  --kernel   also install what npm run kernel needs (qemu-system-x86, cpio, busybox-static)
  --quiet    say nothing of steps that have nothing to do`;

const { values } = parseOptions(USAGE, {
  only: { type: "string", multiple: true },
  docker: { type: "boolean" },
  kernel: { type: "boolean" },
  quiet: { type: "boolean" },
});
const only = namesOf(values.only, STEP_NAMES, "--only", USAGE);
const { docker, kernel, quiet } = values;
process.exitCode = (await setUp({ docker, kernel, quiet, ...(only && { only }) })) ? 0 : 1;
