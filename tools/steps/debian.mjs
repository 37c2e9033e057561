// Installs the Debian packages that debian-packages.json names, and nothing when all are there.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execLogged, output, StepError } from "../lib/exec.mjs";
import { ROOT } from "../lib/paths.mjs";

const POLICY = "/usr/sbin/policy-rc.d";
const POLICY_MARK = "# made by SecuXFlow's tools/setup.mjs for the time of an installation; delete it if you find it";
const APT = ["-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0"];
const APT_ENV = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" };

/**
 * Versions of the installed ones among some packages.
 * @param {readonly string[]} packages
 * @returns {Map<string, string>}
 */
export function installedVersions(packages) {
  const text = dpkgQuery(packages);
  const rows = text.split("\n").map((line) => line.split("\t"));
  return new Map(rows.filter(([status]) => status?.startsWith("ii")).map(([, name, version]) => [name, version]));
}

function dpkgQuery(packages) {
  // It fails when one package is unknown and still prints the others.
  const text = output("sh", ["-c", 'dpkg-query -W -f "\\${db:Status-Abbrev}\t\\${Package}\t\\${Version}\n" "$@" 2>/dev/null; test $? -le 1', "sh", ...packages]);
  if (text === undefined) {
    throw new StepError("dpkg-query does not work here", "this set-up is for Debian 12; elsewhere install what tools/debian-packages.json names and use --only");
  }
  return text;
}

/** @param {{ docker: boolean, kernel: boolean }} options docker: what the container tests need as well; kernel: what npm run kernel needs */
export function debianStep({ docker, kernel }) {
  const lists = JSON.parse(readFileSync(join(ROOT, "tools/debian-packages.json"), "utf8"));
  const wanted = [...lists.base, ...(docker ? lists.docker : []), ...(kernel ? lists.kernel : [])];
  const names = wanted.map((entry) => entry.package);
  let missing = [];
  return {
    name: "packages",
    title: `Debian packages${docker ? " with Docker" : ""}${kernel ? " with qemu" : ""}`,
    isDone() {
      removeOwnPolicy(); // left by a set-up that was killed
      const installed = installedVersions(names);
      missing = wanted.filter((entry) => !installed.has(entry.package));
      return missing.length === 0;
    },
    async run({ log, line }) {
      const packages = missing.map((entry) => entry.package);
      const command = `apt-get update && apt-get install --no-install-recommends ${packages.join(" ")}`;
      if (process.getuid() !== 0) {
        const reasons = missing.map((entry) => `  ${entry.package}: ${entry.why}`).join("\n");
        throw new StepError(`these packages are missing, and only root can install them:\n${reasons}`, `run this as root, then try again:\n  ${command}`);
      }
      const options = { log, env: APT_ENV, onLine: line, next: `see the log above; by hand it would be:\n  ${command}` };
      const update = () => execLogged("apt-get", [...APT, "update"], options);
      const install = () => execLogged("apt-get", [...APT, "install", "-y", "--no-install-recommends", ...packages], options);
      const updatedFirst = !allAvailable(packages);
      if (updatedFirst) await update();
      await withoutServices(missing, async () => {
        try {
          await install();
        } catch (error) {
          if (updatedFirst) throw error;
          await update(); // old lists name files that the mirrors have dropped
          await install();
        }
      });
      const installed = installedVersions(packages);
      const still = packages.filter((name) => !installed.has(name));
      if (still.length > 0) throw new StepError(`apt-get did not install ${still.join(", ")}`, options.next, log);
    },
  };
}

/** True when apt's lists know a version of every package. */
function allAvailable(packages) {
  const text = output("apt-cache", ["policy", ...packages]) ?? "";
  const known = [...text.matchAll(/^(\S+):\n\s+Installed: .*\n\s+Candidate: (.*)$/gm)].filter(([, , candidate]) => candidate !== "(none)");
  return known.length === packages.length;
}

/**
 * Keeps Debian from starting the daemons that packages bring: ours run with a port and a data folder of their own, and
 * a stray nats-server would look like one of them. Neither do they start with the next boot.
 */
async function withoutServices(missing, work) {
  const ownPolicy = !existsSync(POLICY);
  // 101: "action forbidden by policy", see the interface of invoke-rc.d
  if (ownPolicy) writeFileSync(POLICY, `#!/bin/sh\n${POLICY_MARK}\nexit 101\n`, { mode: 0o755 });
  try {
    await work();
  } finally {
    if (ownPolicy) removeOwnPolicy();
  }
  const services = missing.flatMap((entry) => entry.services ?? []);
  if (services.length > 0) output("systemctl", ["disable", ...services]); // without systemd there is nothing to disable
}

function removeOwnPolicy() {
  try {
    if (readFileSync(POLICY, "utf8").includes(POLICY_MARK)) rmSync(POLICY);
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "EACCES" && error.code !== "EPERM") throw error;
  }
}
