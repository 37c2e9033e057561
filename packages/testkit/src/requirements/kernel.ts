import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { missingTool, toolPath } from "../process/tools.js";
import { nativeHelper } from "../native.js";

/** Capability numbers, from linux/capability.h. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21, CAP_BPF: 39 } as const;
type Capability = keyof typeof CAPABILITIES;

const FOR_NETNS: readonly Capability[] = ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"];
const FOR_XDP: readonly Capability[] = [...FOR_NETNS, "CAP_BPF"];

/**
 * Why this machine cannot run tests in network namespaces (`netns`), with XDP in them (`xdp`); undefined when it can.
 * It is tried for real, in a namespace without a name that vanishes with the process that made it.
 */
export function kernelProblem(level: "netns" | "xdp"): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.geteuid?.() !== 0) return "needs root";
  const lacking = missingCapability(readFileSync("/proc/self/status", "utf8"), level === "xdp" ? FOR_XDP : FOR_NETNS);
  if (lacking !== undefined) return `needs ${lacking}`;
  for (const tool of ["ip", "ethtool", "nsenter", "unshare", "cc"])
    if (toolPath(tool) === undefined) return missingTool(tool);
  return tryVeth() ?? (level === "xdp" ? tryXdp() : undefined);
}

/** The first capability of `needed` that the text of `/proc/<pid>/status` does not show as effective. */
export function missingCapability(status: string, needed: readonly Capability[]): Capability | undefined {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return needed.find((name) => ((effective >> BigInt(CAPABILITIES[name])) & 1n) === 0n);
}

const inNewNamespace = (command: string, ...args: string[]): { ok: boolean; said: string } => {
  const unshare = toolPath("unshare") ?? "unshare";
  const ran = spawnSync(unshare, ["--net", "--", command, ...args], { encoding: "utf8", timeout: 20_000 });
  return { ok: ran.status === 0, said: `${ran.stdout ?? ""}${ran.stderr ?? ""}`.trim().slice(0, 300) };
};

function tryVeth(): string | undefined {
  const made = inNewNamespace(toolPath("ip") ?? "ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1");
  return made.ok ? undefined : `needs network namespaces and veth: ${made.said}`;
}

/** Loads the smallest XDP program and attaches it by a BPF link to `lo`. */
function tryXdp(): string | undefined {
  try {
    const tried = inNewNamespace(nativeHelper(), "xdp-probe");
    return tried.ok ? undefined : `needs XDP: ${tried.said}`;
  } catch (error) {
    return `needs the testkit's C helper: ${error instanceof Error ? error.message : String(error)}`;
  }
}
