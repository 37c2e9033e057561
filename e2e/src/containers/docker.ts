import { runCommand, type CommandResult } from "@secuxflow/testkit";

const DEADLINE_MS = 120_000;

/** Runs the docker client and answers what it printed, without the last line break. Throws CommandError. */
export async function docker(...args: readonly string[]): Promise<string> {
  return (await runCommand("docker", args, { timeoutMs: DEADLINE_MS })).stdout.trim();
}

/** The same for a command whose exit code is of interest. `env` is added to the client's environment. */
export function tryDocker(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  return runCommand("docker", args, { timeoutMs: DEADLINE_MS, check: false, env: { ...process.env, ...env } });
}

/** Names or ids of everything that carries a label. */
export async function labelled(kind: "container" | "network" | "volume", label: string): Promise<string[]> {
  const all = kind === "container" ? ["--all"] : [];
  return (await docker(kind, "ls", ...all, "--quiet", "--filter", `label=${label}`)).split("\n").filter(Boolean);
}
