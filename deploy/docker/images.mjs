#!/usr/bin/env node
// Builds the images of the services, each only when its contents changed.
//
//   node deploy/docker/images.mjs [service]…    all by default, with nats; prints the image names
//
// NODE_IMAGE and NATS_IMAGE name the base images; without them, bases made from this machine are used.
import { buildBase } from "./base-image.mjs";
import { makeContext } from "./context.mjs";
import { imageStamp, STAMP_LABEL } from "./lib/images.mjs";
import { isMain, report } from "./lib/main.mjs";
import { ROOT } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { SERVICES } from "./lib/services.mjs";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Name of a service's image. */
export const imageOf = (name) => `secuxflow/${name}:local`;

/**
 * Builds an image unless it is there and up to date.
 * @param {string} name a service, or "nats"
 * @param {{ nodeImage?: string, natsImage?: string, say?: (line: string) => void }} [options]
 * @returns {Promise<string>} the image's name
 */
export async function buildImage(name, options = {}) {
  const nats = name === "nats";
  const base = nats ? (options.natsImage ?? (await buildBase("nats"))) : (options.nodeImage ?? (await buildBase("node")));
  const { folder, stamp: contents } = nats ? natsContext() : await makeContext(name);
  const stamp = createHash("sha256").update(`${base} ${await imageStamp(base)} ${contents}`).digest("hex").slice(0, 16);
  const image = imageOf(name);
  if ((await imageStamp(image)) === stamp) return image;
  options.say?.(`building ${image}`);
  const build = nats ? { NATS_IMAGE: base, NATS_CONF: await natsConf(base) } : { NODE_IMAGE: base };
  await run("docker", [
    "build", "--quiet", "--tag", image, "--label", `${STAMP_LABEL}=${stamp}`,
    ...Object.entries(build).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]), folder,
  ]);
  await run("docker", ["image", "prune", "--force", "--filter", `label=${STAMP_LABEL}`]); // the one that this one replaces
  return image;
}

/** nats-server 2.9 refuses the settings of newer ones. */
async function natsConf(base) {
  const version = await run("docker", ["run", "--rm", "--network", "none", "--entrypoint", "nats-server", base, "--version"]);
  return /v2\.[0-9]\./.test(version) ? "nats-2.9.conf" : "nats.conf";
}

function natsContext() {
  const folder = join(ROOT, "deploy/nats");
  const hash = createHash("sha256");
  for (const file of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, file)));
  return { folder, stamp: hash.digest("hex") };
}

if (isMain(import.meta.url)) {
  await report(async () => {
    const all = ["nats", ...Object.keys(SERVICES)];
    const given = process.argv.slice(2);
    const unknown = given.find((name) => !all.includes(name));
    if (unknown !== undefined) throw new Error(`no image "${unknown}"; there are ${all.join(", ")}`);
    const options = {
      ...(process.env.NODE_IMAGE && { nodeImage: process.env.NODE_IMAGE }),
      ...(process.env.NATS_IMAGE && { natsImage: process.env.NATS_IMAGE }),
      say: (line) => process.stderr.write(`${line}\n`),
    };
    for (const name of given.length > 0 ? given : all) process.stdout.write(`${await buildImage(name, options)}\n`);
  });
}
