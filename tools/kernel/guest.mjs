// A second kernel to try things on: Debian's own, in qemu, with a memory-only root of Node, libbpf-ts and the BPF objects.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { StepError } from "../lib/exec.mjs";
import { ROOT, STATE } from "../lib/paths.mjs";

const FOLDER = join(STATE, "kernel");
const PACKAGE = "linux-image-cloud-amd64";
/** Modules that the cloud kernel does not have built in, in the order they are loaded. */
const MODULES = ["drivers/net/veth.ko"];

const run = (file, args, options = {}) => execFileSync(file, args, { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "pipe"], ...options });

/** The package that the meta package stands for now, "linux-image-<version>". */
function kernelPackage() {
  const found = /^\s*Depends: (linux-image-\S+)$/m.exec(run("apt-cache", ["depends", PACKAGE]));
  if (!found) throw new StepError(`apt does not know ${PACKAGE}`, "run apt-get update, then this again");
  return found[1];
}

/** Fetches and unpacks the kernel, without installing it. @returns the folder and the kernel's release */
function unpackKernel() {
  const name = kernelPackage();
  const folder = join(FOLDER, name);
  if (!existsSync(join(folder, "boot"))) {
    mkdirSync(folder, { recursive: true });
    run("apt-get", ["download", name], { cwd: folder });
    const archive = readdirSync(folder).find((file) => file.endsWith(".deb"));
    run("dpkg-deb", ["-x", join(folder, archive), folder]);
    rmSync(join(folder, archive));
  }
  return { folder, release: name.replace("linux-image-", "") };
}

/** A program's or library's shared libraries, by ldd. */
const librariesOf = (file) => [...run("ldd", [file]).matchAll(/(?:=> )?(\/\S+) \(/g)].map((match) => match[1]);

function copyInto(root, file, target = file) {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  cpSync(file, join(root, target), { dereference: true });
}

/** Builds the guest's root as a cpio archive. @returns its path */
function buildRoot(kernel) {
  const root = join(FOLDER, "root");
  rmSync(root, { recursive: true, force: true });
  for (const folder of ["proc", "sys", "dev", "tmp", "bin"]) mkdirSync(join(root, folder), { recursive: true });
  const addon = join(ROOT, "packages/libbpf-ts/build/Release/addon.node");
  for (const file of new Set([process.execPath, addon, "/bin/ip"].flatMap(librariesOf))) copyInto(root, file);
  copyInto(root, process.execPath, "/bin/node");
  copyInto(root, "/bin/busybox", "/bin/busybox");
  copyInto(root, "/bin/ip");
  symlinkSync("busybox", join(root, "bin/sh"));
  const library = join(root, "app/node_modules/libbpf-ts");
  for (const part of ["package.json", "dist"]) cpSync(join(ROOT, "packages/libbpf-ts", part), join(library, part), { recursive: true });
  copyInto(root, addon, "/app/node_modules/libbpf-ts/build/Release/addon.node");
  cpSync(join(ROOT, "bpf/build"), join(root, "app/bpf"), { recursive: true });
  copyInto(root, join(ROOT, "tools/kernel/probe.mjs"), "/app/probe.mjs");
  for (const module of MODULES) copyInto(root, join(kernel.folder, "lib/modules", kernel.release, "kernel", module), `/modules/${basename(module)}`);
  writeFileSync(join(root, "init"), [
    "#!/bin/sh",
    "/bin/busybox mount -t proc proc /proc; /bin/busybox mount -t sysfs sysfs /sys; /bin/busybox mount -t devtmpfs dev /dev",
    "/bin/busybox ip link set lo up",
    ...MODULES.map((module) => `/bin/busybox insmod /modules/${basename(module)}`),
    "/bin/node /app/probe.mjs /app/bpf",
    "/bin/busybox poweroff -f",
    "",
  ].join("\n"));
  chmodSync(join(root, "init"), 0o755);
  const archive = join(FOLDER, "root.cpio");
  run("/bin/sh", ["-c", `find . -print0 | cpio --null --quiet -o -H newc > "$0"`, archive], { cwd: root });
  return archive;
}

/**
 * Boots Debian's kernel with the probe, under emulation (nested virtualisation is often broken), and waits for its end.
 * @param {{ timeoutMs: number, onLine?: (line: string) => void }} options
 * @returns {Promise<{ release: string, checks: { check: string, kernel: string, ok: boolean, why?: string }[] }>}
 * @throws {StepError} when the guest does not come to an end
 */
export async function probeKernel({ timeoutMs, onLine = () => undefined }) {
  const kernel = unpackKernel();
  const initrd = buildRoot(kernel);
  const args = ["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot", "-nic", "none", "-m", "1536", "-smp", "1",
    "-machine", "q35,accel=tcg", "-cpu", "max", "-kernel", join(kernel.folder, "boot", `vmlinuz-${kernel.release}`), "-initrd", initrd,
    "-append", "console=ttyS0 quiet panic=-1"];
  const guest = spawn("qemu-system-x86_64", args, { stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => guest.kill("SIGKILL"), timeoutMs);
  let text = "";
  let errors = "";
  guest.stdout.on("data", (chunk) => {
    const lines = (text + chunk).split(/\r?\n/);
    const done = text.split(/\r?\n/).length - 1;
    text += chunk;
    for (const line of lines.slice(done, -1)) onLine(line);
  });
  guest.stderr.on("data", (chunk) => { errors += chunk; });
  await new Promise((resolve, reject) => {
    guest.once("error", (error) => { reject(new StepError(`cannot run qemu: ${error.message}`, "npm run setup -- --kernel")); });
    guest.once("close", resolve);
  }).finally(() => { clearTimeout(timer); });
  if (!text.includes("PROBE-END")) {
    throw new StepError(`the guest did not come to an end within ${timeoutMs / 1_000} s: ${errors}${text.slice(-2_000)}`, "look at its last lines above");
  }
  const checks = [...text.matchAll(/^PROBE (\{.*\})\r?$/gm)].map((match) => JSON.parse(match[1]));
  return { release: kernel.release, checks };
}
