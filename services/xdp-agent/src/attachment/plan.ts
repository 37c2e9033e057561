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
