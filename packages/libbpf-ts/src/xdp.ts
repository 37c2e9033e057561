/** Attaching XDP programs by link, and what is attached. */
import { ArgumentError, AttachBusyError, bpfError, BpfError, type AttachedProgram } from "./errors.js";
import { interfaceName } from "./arguments.js";
import { withLog } from "./call.js";
import { Errno } from "./errno.js";
import { answerDetails, checkAnswer, interfaceLabel, netnsArgument, type NetnsOptions } from "./interface.js";
import { BpfLink, listLinks } from "./link.js";
import { native } from "./native.js";
import type { BpfProgram } from "./program.js";

export interface XdpAttachOptions extends NetnsOptions {
  /** "native": in the driver; "generic": in the stack; "auto" (default): native where the driver can, else generic. */
  mode?: "native" | "generic" | "auto";
  /** A link on that interface, which then is updated in one step (and returned) in place of making a new one. */
  replaceLink?: BpfLink;
}

export type XdpMode = "none" | "native" | "generic" | "offload" | "multiple";

export interface XdpState extends AttachedProgram {
  ifindex: number;
  mode: XdpMode;
  /** 0: none. With several modes at a time the native one. */
  programId: number;
  /**
   * Links that run this program on an interface of this index. Empty: attached without a link, or ids may not be listed.
   * More than one: interfaces of the same index in several network namespaces, which the kernel does not tell apart.
   */
  linkIds: number[];
}

const FLAGS = { generic: 1 << 1, native: 1 << 2 } as const;
const modes: readonly XdpMode[] = ["none", "native", "generic", "offload", "multiple"];

/** Errors after which trying generic mode makes no sense. */
const final: readonly number[] = [
  Errno.EPERM, Errno.EACCES, Errno.EBUSY, Errno.EEXIST, Errno.ENODEV, Errno.ENOENT, Errno.EBADF, Errno.ENOMEM,
];

/**
 * Attaches by link. The program stays attached while the link, or a pin of it, exists.
 * @throws {AttachBusyError} another program is attached; says which
 * @throws {NotSupportedError} the driver has no native mode
 */
export function attachXdp(program: BpfProgram, ifname: string, options: XdpAttachOptions = {}): BpfLink {
  interfaceName(ifname);
  if (options.replaceLink !== undefined) return replace(program, ifname, options, options.replaceLink);
  const mode = options.mode ?? "auto";
  if (!["native", "generic", "auto"].includes(mode)) throw new ArgumentError("mode", 'must be "native", "generic" or "auto"');
  if (mode !== "auto") return attachIn(program, ifname, options, mode);
  try {
    return attachIn(program, ifname, options, "native");
  } catch (error) {
    if (!(error instanceof BpfError) || final.includes(error.errno)) throw error;
    return attachIn(program, ifname, options, "generic", error);
  }
}

function attachIn(
  program: BpfProgram, ifname: string, options: XdpAttachOptions, mode: "native" | "generic", nativeError?: Error,
): BpfLink {
  const operand = `${program.label} to ${interfaceLabel(ifname, options)} (${mode})`;
  void program.fd; // throws when closed
  const { result, log } = withLog(() =>
    native().xdpLinkCreate(program.handle, ifname, netnsArgument(options), FLAGS[mode]));
  if (result.rc < 0) {
    const details = answerDetails(result, "attach XDP", operand, log);
    if (result.rc === -Errno.EBUSY || result.rc === -Errno.EEXIST) throw new AttachBusyError(details, attached(ifname, options));
    throw bpfError(details);
  }
  const link = result.link ?? -Errno.EINVAL;
  if (typeof link === "number") throw bpfError({ errno: -link, operation: "attach XDP", operand });
  return new BpfLink(link, interfaceLabel(ifname, options), mode, nativeError);
}

function replace(program: BpfProgram, ifname: string, options: XdpAttachOptions, link: BpfLink): BpfLink {
  const wanted = queryXdp(ifname, options).ifindex;
  const current = link.info().ifindex;
  if (wanted !== current) {
    throw new ArgumentError("replaceLink", `is on interface index ${current}, not on ${ifname} (${wanted})`);
  }
  link.update(program);
  return link;
}

function attached(ifname: string, options: NetnsOptions): AttachedProgram | undefined {
  try {
    const state = queryXdp(ifname, options);
    return state.programId === 0 ? undefined : state;
  } catch {
    return undefined;
  }
}

/** Which XDP program an interface runs now. @throws {BpfError} ENODEV: no such interface; ENOENT: no such namespace */
export function queryXdp(ifname: string, options: NetnsOptions = {}): XdpState {
  const { result, log } = withLog(() => native().xdpQuery(interfaceName(ifname), netnsArgument(options)));
  checkAnswer(result, "query XDP", interfaceLabel(ifname, options), log);
  const ifindex = result.ifindex ?? 0;
  const programId = [result.programId, result.native, result.generic, result.offload].find((id) => (id ?? 0) !== 0) ?? 0;
  return { ifindex, programId, mode: modes[result.attachMode ?? 0] ?? "none", linkIds: linksOf(programId, ifindex) };
}

function linksOf(programId: number, ifindex: number): number[] {
  if (programId === 0) return [];
  try {
    return [...listLinks()]
      .filter((link) => link.type === "xdp" && link.programId === programId && link.ifindex === ifindex)
      .map((link) => link.id);
  } catch (error) {
    if (error instanceof BpfError && error.errno === Errno.EPERM) return [];
    throw error;
  }
}
