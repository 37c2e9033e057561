#!/usr/bin/env node
// Makes the rule API's token where there is none: 256 random bits, never printed. Docker's file secrets keep the file's
// owner, and the rule API runs as an unprivileged user, so the file is readable to all inside a folder that is not.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "secrets");
const file = join(folder, "api-token");
mkdirSync(folder, { recursive: true, mode: 0o700 });
try {
  writeFileSync(file, `${randomBytes(32).toString("base64url")}\n`, { flag: "wx" });
  chmodSync(file, 0o444);
  process.stdout.write(`wrote ${file}\n`);
} catch (error) {
  if (error.code !== "EEXIST") throw error;
  process.stdout.write(`${file} is there already\n`);
}
