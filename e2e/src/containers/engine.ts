import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { repoRoot } from "@secuxflow/testkit";

const call = promisify(execFile);

/** The folder with the container tooling. */
export const DOCKER_TOOLS = join(repoRoot(import.meta.url), "deploy", "docker");

/**
 * Lets testcontainers and the docker client find the engine that `deploy/docker/engine.mjs up` started, where the
 * environment names none and the system has none. To be called before testcontainers is used and before `needs`.
 */
export function useEngine(env: NodeJS.ProcessEnv = process.env): void {
  // Its helper container would have to be pulled; what a test starts, the test stops.
  env.TESTCONTAINERS_RYUK_DISABLED ??= "true";
  const record = join(repoRoot(import.meta.url), ".secuxflow", "docker", "engine.json");
  if (!existsSync(record)) return;
  const { host } = JSON.parse(readFileSync(record, "utf8")) as { host: string };
  if (env.DOCKER_HOST === undefined && !existsSync("/var/run/docker.sock")) env.DOCKER_HOST = host;
  // Our own publishes on loopback. Where /.dockerenv exists, testcontainers would look for ports at the bridge's address.
  if (env.DOCKER_HOST === host) env.TESTCONTAINERS_HOST_OVERRIDE ??= "127.0.0.1";
}

/** Builds the images of these services where they are missing or out of date; answers their names in the same order. */
export async function buildImages(...services: readonly string[]): Promise<string[]> {
  const { stdout } = await call(process.execPath, [join(DOCKER_TOOLS, "images.mjs"), ...services], { maxBuffer: 1 << 24 });
  return stdout.trim().split("\n");
}
