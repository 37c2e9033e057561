import type { AgentInterface } from "@secuxflow/contracts";

/** An interface that the configuration names. */
export interface WantedInterface {
  readonly name: string;
  readonly netns?: string | undefined;
  readonly mode: "auto" | "native" | "generic";
}

/** What the kernel says of it now; `undefined` where the interface is not there. */
export interface FoundInterface {
  readonly ifindex: number;
  /** Program that is attached, by id. */
  readonly programId?: number | undefined;
  readonly mode?: "native" | "generic" | undefined;
}

export type AttachmentAction = "attach" | "keep" | "blocked" | "wait";

/**
 * What to do with one interface: `attach` ours, `keep` it, report that another program has it (`blocked`: we do not push
 * others out), or `wait` for the interface to appear.
 */
export function attachmentAction(found: FoundInterface | undefined, ourPrograms: ReadonlySet<number>): AttachmentAction {
  if (!found) return "wait";
  if (found.programId === undefined) return "attach";
  return ourPrograms.has(found.programId) ? "keep" : "blocked";
}

/** How an interface is reported. */
export function reportInterface(wanted: WantedInterface, found: FoundInterface | undefined, attached: boolean): AgentInterface {
  return {
    name: wanted.name,
    ...(wanted.netns === undefined ? {} : { netns: wanted.netns }),
    ifindex: found?.ifindex ?? 0,
    mode: attached ? (found?.mode ?? "detached") : "detached",
    ...(attached && found?.programId !== undefined ? { programId: found.programId } : {}),
  };
}

/** libxdp's dispatcher (xdp-tools: lib/libxdp/xdp-dispatcher.c.in), which runs several XDP programs one after the other. */
const DISPATCHER = "xdp_dispatcher";

/** What to tell of an interface that another program holds: who it is, and what to do. */
export function blockedBy(label: string, programId: number, programName: string | undefined): string {
  if (programName === DISPATCHER) {
    return `interface ${label} runs libxdp's dispatcher (${DISPATCHER}, program id ${programId}) with the programs of other tools; SecuXFlow does not join it: `
      + "take those off (xdp-loader status, xdp-loader unload), or take the interface out of the configuration";
  }
  const name = programName === undefined || programName === "" ? "" : ` ${programName}`;
  return `interface ${label} runs another XDP program${name} (id ${programId}); detach that one first (ip link set dev IFACE xdp off, or its own tool), `
    + "or take the interface out of the configuration";
}
