import { spawnSync } from "node:child_process";
import { hasTool } from "@secuxflow/testkit";

/** A program and the arguments that come before all others. */
export type Composer = readonly [program: string, ...args: string[]];

const KNOWN: readonly Composer[] = [["docker", "compose"], ["docker-compose"]];

/** The compose programs of this machine. Both read a compose file without an engine. */
export function findComposers(): Composer[] {
  return KNOWN.filter(([program, ...args]) => hasTool(program) && spawnSync(program, [...args, "version"]).status === 0);
}
