#!/usr/bin/env node
// npm run kernel: tries the BPF programs on a second kernel, Debian's own, emulated by qemu.
import "./lib/node-version.mjs";
import { writeFileSync } from "node:fs";
import { probeKernel } from "./kernel/guest.mjs";
import { parseOptions } from "./lib/options.mjs";

const USAGE = `Usage: npm run kernel -- [--timeout SECONDS] [--json FILE]

Boots Debian's kernel in an emulated machine (qemu), loads every BPF program on it, lets the filter judge packets, and attaches it to veth.
Needs what npm run setup -- --kernel installs and builds.

  --timeout   seconds until the guest is given up (default 900)
  --json      write {kernel, checks} to a file`;

const { values } = parseOptions(USAGE, { timeout: { type: "string" }, json: { type: "string" } });
const { release, checks } = await probeKernel({
  timeoutMs: Number(values.timeout ?? 900) * 1_000,
  onLine: (line) => { if (process.env.SECUXFLOW_DEBUG) console.error(line); },
});
for (const { check, ok, why } of checks) console.log(`${ok ? "✓" : "✗"} ${release}: ${check}${ok ? "" : `: ${why}`}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ kernel: release, checks }, null, 2)}\n`);
process.exitCode = checks.length > 0 && checks.every(({ ok }) => ok) ? 0 : 1;
