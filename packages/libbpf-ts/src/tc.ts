/**
 * Classic tc attachments: a filter in direct-action mode on the clsact qdisc. Unlike links they stay when the process ends;
 * detach them, or find them again by handle and priority.
 */
import { interfaceName, u32, integer } from "./arguments.js";
import { withLog } from "./call.js";
import { Errno } from "./errno.js";
import { ArgumentError, AttachBusyError, bpfError } from "./errors.js";
import { answerDetails, checkAnswer, interfaceLabel, netnsArgument, type NetnsOptions } from "./interface.js";
import { native } from "./native.js";
import type { BpfProgram } from "./program.js";

export interface TcAttachOptions extends NetnsOptions {
  direction: "ingress" | "egress";
  /** Filter handle; by default the kernel chooses. */
  handle?: number;
  /** Lower runs first; by default the kernel chooses. 1 to 65535. */
  priority?: number;
  /** Replaces the filter of that handle and priority in one step. */
  replace?: boolean;
}

/** What identifies a filter, and enough to take it away again. Plain data: may be stored. */
export interface TcFilter {
  ifname: string;
  ifindex: number;
  netns: string | undefined;
  netnsInode: bigint;
  direction: "ingress" | "egress";
  handle: number;
  priority: number;
  programId: number;
  /** Whether the clsact qdisc was made by this attachment. */
  hookCreated: boolean;
}

function isIngress(direction: string): boolean {
  if (direction !== "ingress" && direction !== "egress") throw new ArgumentError("direction", 'must be "ingress" or "egress"');
  return direction === "ingress";
}

export class TcAttachment {
  constructor(readonly filter: Readonly<TcFilter>) {}

  /**
   * Takes the filter away. A filter, interface or namespace that is gone is no error.
   * @param options destroyHook: removes the clsact qdisc too, with every filter on it
   * @throws {BpfError} ESTALE: another program runs under this handle and priority by now; it was left alone
   */
  detach(options: { destroyHook?: boolean } = {}): void {
    const { filter } = this;
    const { result, log } = withLog(() => native().tcDetach(
      filter.ifindex, filter.netns ?? null, filter.netnsInode, filter.direction === "ingress", filter.handle, filter.priority,
      filter.programId, options.destroyHook ?? false));
    const gone = result.step === "netns"
      ? result.rc === -Errno.ENOENT || result.rc === -Errno.EINVAL || result.rc === -Errno.ESTALE
      : result.rc === -Errno.ENOENT || result.rc === -Errno.ENODEV || (result.step === "query" && result.rc === -Errno.EINVAL);
    if (result.rc >= 0 || gone) return;
    const details = answerDetails(result, "detach tc", this.label, log);
    if (result.rc === -Errno.ESTALE) details.advice = "Another program runs under this handle and priority; it was left alone.";
    throw bpfError(details);
  }

  /** Whether the filter still runs the program it was attached with. */
  isAttached(): boolean {
    const { filter } = this;
    const { result } = withLog(() => native().tcQuery(
      filter.ifname, filter.netns ?? null, filter.direction === "ingress", filter.handle, filter.priority));
    return result.rc === 0 && result.programId === filter.programId;
  }

  get label(): string {
    const { filter } = this;
    return `${filter.direction} filter of ${filter.ifname}, handle ${filter.handle}, priority ${filter.priority}`;
  }
}

/**
 * Attaches to tc, making the clsact qdisc if it is missing.
 * @throws {AttachBusyError} handle and priority are taken
 */
export function attachTc(program: BpfProgram, ifname: string, options: TcAttachOptions): TcAttachment {
  interfaceName(ifname);
  const ingress = isIngress(options.direction);
  const operand = `${program.label} to ${options.direction} of ${interfaceLabel(ifname, options)}`;
  void program.fd; // throws when closed
  const { result, log } = withLog(() => native().tcAttach(
    program.handle, ifname, netnsArgument(options), ingress, u32(options.handle ?? 0, "handle"),
    integer(options.priority ?? 0, "priority", 0, 65535), options.replace ?? false));
  if (result.rc === -Errno.EEXIST) {
    throw new AttachBusyError(answerDetails(result, "attach tc", operand, log), tcProgram(ifname, options));
  }
  checkAnswer(result, "attach tc", operand, log);
  return new TcAttachment({
    ifname, ifindex: result.ifindex ?? 0, netns: options.netns, netnsInode: result.netnsInode ?? 0n,
    direction: options.direction, handle: result.handle ?? 0, priority: result.priority ?? 0, programId: result.programId ?? 0,
    hookCreated: result.hookCreated ?? false,
  });
}

function tcProgram(ifname: string, options: TcAttachOptions): { programId: number; mode: string; linkIds: number[] } | undefined {
  const programId = queryTc(ifname, { ...options, handle: options.handle ?? 0, priority: options.priority ?? 0 });
  return programId === undefined ? undefined : { programId, mode: `tc ${options.direction}`, linkIds: [] };
}

/** Id of the program of a tc filter; undefined when there is no such filter. */
export function queryTc(
  ifname: string, options: NetnsOptions & { direction: "ingress" | "egress"; handle: number; priority: number },
): number | undefined {
  const { result } = withLog(() => native().tcQuery(
    interfaceName(ifname), netnsArgument(options), isIngress(options.direction), u32(options.handle, "handle"),
    integer(options.priority, "priority", 0, 65535)));
  if (result.step !== "query") checkAnswer(result, "query tc", interfaceLabel(ifname, options));
  return result.rc === 0 ? result.programId : undefined;
}
