import { readFileSync } from "node:fs";

const LOOK_MS = 500;

/** The parent of a process, from field 4 of proc(5) stat; undefined when it is gone. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** Parent and grandparent: npm runs a script through a shell, so that npm itself is the grandparent. */
const forebears = (): string => `${process.ppid} ${process.env.npm_lifecycle_event === undefined ? "" : String(parentOf(process.ppid))}`;

/** Aborts on Ctrl-C, SIGTERM, a closed terminal, and when the process that started this one is gone (npm was killed). */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => { controller.abort(); });
  const atStart = forebears();
  setInterval(() => { if (forebears() !== atStart) controller.abort(); }, LOOK_MS).unref();
  return controller.signal;
}
