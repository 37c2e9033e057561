import { readFileSync } from "node:fs";

/** The process that made something: its id, and its start time (clock ticks since boot), as ids are used again. */
export type Owner = { pid: number; startTime: string };

/** The start time of a process from `/proc/<pid>/stat` (proc(5), field 22), or undefined when it does not run. */
export function startTimeOf(pid: number): string | undefined {
  try {
    return parseStartTime(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Field 22 of a stat line. The command in field 2 is in parentheses and may hold anything, so it counts from the last one. */
export function parseStartTime(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** This process as an owner. */
export function thisOwner(): Owner {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? "0" };
}

/** Whether the very process that made something still runs. */
export const isAlive = (owner: Owner): boolean => startTimeOf(owner.pid) === owner.startTime;
