import { readdirSync } from "node:fs";
import { runCommand, type CommandOptions, type CommandResult } from "../process/command.js";
import { requireTool } from "../process/tools.js";

/** Where iproute2 mounts named namespaces. */
export const NETNS_FOLDER = "/run/netns";

/** Runs `ip`, in a named namespace when one is given. @throws {CommandError} with what `ip` said. */
export async function ip(netns: string | undefined, args: readonly (string | number)[]): Promise<string> {
  const words = args.map(String);
  return (await runCommand(requireTool("ip"), netns === undefined ? words : ["-n", netns, ...words])).stdout;
}

/**
 * The command that runs another one in a named namespace. It is `nsenter` and not `ip netns exec`, which would hide
 * /sys/fs/bpf by mounting another /sys; like it, it replaces itself by the command, so the process id stays.
 */
export function inside(netns: string, command: string, args: readonly string[]): { command: string; args: string[] } {
  return { command: requireTool("nsenter"), args: [`--net=${NETNS_FOLDER}/${netns}`, "--", command, ...args] };
}

/** Runs a command to its end in a named namespace. */
export function runInside(
  netns: string,
  command: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult> {
  const entered = inside(netns, command, args);
  return runCommand(entered.command, entered.args, options);
}

/** Names of all named namespaces. */
export function listNamespaces(): string[] {
  try {
    return readdirSync(NETNS_FOLDER);
  } catch {
    return []; // The folder is made with the first one.
  }
}

/** Kills every process in a namespace, by id, and deletes it. One that is not there is no error. */
export async function removeNamespace(netns: string): Promise<void> {
  if (!listNamespaces().includes(netns)) return;
  const pids = (await ip(undefined, ["netns", "pids", netns]))
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  for (const pid of pids) {
    if (pid === process.pid) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended since it was listed.
    }
  }
  try {
    await ip(undefined, ["netns", "delete", netns]);
  } catch (error) {
    // Two sweeps may meet on the same orphan.
    if (listNamespaces().includes(netns)) throw error;
  }
}
