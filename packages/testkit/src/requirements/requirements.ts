import { spawnSync } from "node:child_process";
import { hasTool, missingTool, toolPath } from "../process/tools.js";
import { kernelProblem } from "./kernel.js";

/**
 * What a test may need beyond Node. `kernel` is all it takes for XDP in network namespaces; `netns` is namespaces and raw
 * sockets alone; `nats` is nats-server; `docker` an engine that answers; `cc` a C compiler; `root` the user id 0.
 */
export type Requirement = "root" | "netns" | "kernel" | "nats" | "docker" | "cc";

const NAMES: readonly Requirement[] = ["root", "netns", "kernel", "nats", "docker", "cc"];

/** Names of requirements that must be met: then a missing one fails the tests and does not skip them. */
export const REQUIRE_VARIABLE = "SECUXFLOW_REQUIRE";

/** What a listed name demands beside itself: tests that need a part of it must not be skipped either. */
const IMPLIES: Partial<Record<Requirement, readonly Requirement[]>> = {
  kernel: ["netns", "root", "cc"],
  netns: ["root", "cc"],
};

/** A requirement listed in SECUXFLOW_REQUIRE is not met, or the variable names one that does not exist. */
export class RequirementError extends Error {
  override readonly name = "RequirementError";
}

const looks: Record<Requirement, () => string | undefined> = {
  root: () => (process.geteuid?.() === 0 ? undefined : "needs root"),
  cc: () => (hasTool("cc") ? undefined : missingTool("cc")),
  nats: () => (hasTool("nats-server") ? undefined : missingTool("nats-server")),
  netns: () => kernelProblem("netns"),
  kernel: () => kernelProblem("xdp"),
  docker: dockerProblem,
};

const known = new Map<Requirement, string | undefined>();

/** Why `name` is not met here, in words ("needs root"), or undefined when it is. Looked up once a process. */
export function problemWith(name: Requirement): string | undefined {
  if (!known.has(name)) known.set(name, looks[name]());
  return known.get(name);
}

/** Root with CAP_BPF and CAP_NET_ADMIN, network namespaces with veth, and an XDP program that can be attached. */
export const canKernel = (): boolean => problemWith("kernel") === undefined;

/**
 * The first reason why tests that need `names` cannot run here, or undefined when they can.
 *
 * @throws {RequirementError} when SECUXFLOW_REQUIRE lists what is missing: nothing is skipped in silence there.
 */
export function skipReason(...names: readonly Requirement[]): string | undefined {
  const required = requiredNames(process.env[REQUIRE_VARIABLE] ?? "");
  for (const name of names) {
    const problem = problemWith(name);
    if (problem === undefined) continue;
    if (required.has(name)) throw new RequirementError(`${REQUIRE_VARIABLE} lists ${name}, but this machine ${problem}`);
    return problem;
  }
  return undefined;
}

/**
 * Parses SECUXFLOW_REQUIRE: names with commas between; `kernel` demands `netns`, `root` and `cc` too.
 *
 * @throws {RequirementError} for an unknown name.
 */
export function requiredNames(value: string): ReadonlySet<Requirement> {
  const given = value
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const wrong = given.find((name) => !(NAMES as readonly string[]).includes(name));
  if (wrong !== undefined)
    throw new RequirementError(`${REQUIRE_VARIABLE}: unknown "${wrong}", known are ${NAMES.join(", ")}`);
  return new Set((given as Requirement[]).flatMap((name) => [name, ...(IMPLIES[name] ?? [])]));
}

/** The part of vitest's `describe`, `it` or `test` that is used here. */
type Body = () => void | Promise<void>;
type Block = { (title: string, body: Body): unknown; skip: (title: string, body: Body) => unknown };

/**
 * Wraps vitest's `describe` (or `it`): `needs(describe, "kernel")("drops packets", () => …)`. Where something is missing
 * the block is skipped, counted as skipped, and titled "drops packets [skipped: needs root]".
 */
export function needs(block: Block, ...names: readonly Requirement[]): (title: string, body: Body) => void {
  const reason = skipReason(...names);
  return (title, body) => {
    if (reason === undefined) block(title, body);
    else block.skip(`${title} [skipped: ${reason}]`, body);
  };
}

function dockerProblem(): string | undefined {
  const docker = toolPath("docker");
  if (docker === undefined) return missingTool("docker");
  const asked = spawnSync(docker, ["version", "--format", "{{.Server.Version}}"], { timeout: 10_000, encoding: "utf8" });
  return asked.status === 0 ? undefined : "needs a Docker engine that answers (start dockerd or set DOCKER_HOST)";
}
