/** BPF links: an attachment that lives as long as its descriptor or a pin. */
import { checkHandle, withLog } from "./call.js";
import { bpfError, ClosedError } from "./errors.js";
import { FdObject, handleFromId, handleFromPin, isGone, kernelIds } from "./fd-object.js";
import { type Handle, native } from "./native.js";
import type { BpfProgram } from "./program.js";
import { linkTypes, typeName } from "./types.js";

export interface LinkInfo {
  id: number;
  /** "xdp", "tracing", ... */
  type: string;
  /** Program that runs now. */
  programId: number;
  /** Of XDP links: the interface, 0 once detached or when the interface is gone. */
  ifindex: number;
}

export class BpfLink extends FdObject {
  /** Of links made by attachXdp: the mode that is used. */
  readonly mode: "native" | "generic" | undefined;
  /** Of links made by attachXdp with mode "auto": why native mode was not possible. */
  readonly nativeError: Error | undefined;
  readonly #name: string;

  /** Internal: use attachXdp, {@link fromPin} or {@link fromId}. */
  constructor(handle: Handle, name: string, mode?: "native" | "generic", nativeError?: Error) {
    super(handle);
    this.#name = name;
    this.mode = mode;
    this.nativeError = nativeError;
  }

  /** Opens a pinned link. @throws {BpfError} ENOENT; EPROTOTYPE: it is no link */
  static fromPin(path: string): BpfLink {
    const link = new BpfLink(handleFromPin("link", path), path);
    link.rememberPin(path);
    return link;
  }

  /** Opens a link by its id. @throws {BpfError} ENOENT; EPERM: needs CAP_SYS_ADMIN */
  static fromId(id: number): BpfLink {
    return new BpfLink(handleFromId("link", id), `id ${id}`);
  }

  get label(): string { return `link ${this.#name}`; }

  info(): LinkInfo {
    const info = native().linkInfo(this.handle);
    if (typeof info === "number") {
      checkHandle(this.handle, info, "link info", this.label);
      throw new Error("unreachable");
    }
    return { ...info, type: typeName(linkTypes, info.type) };
  }

  /**
   * Replaces the program: no packet passes between the old and the new one.
   * @param expected only when this program is the current one (else BpfError EPERM)
   */
  update(program: BpfProgram, expected?: BpfProgram): void {
    if (program.closed) throw new ClosedError("link update", program.label);
    const { result, log } = withLog(() => native().linkUpdate(this.handle, program.handle, expected?.handle ?? null));
    if (result < 0 && !this.closed) {
      throw bpfError({ errno: -result, operation: "link update", operand: `${this.label} to ${program.label}`, log });
    }
    checkHandle(this.handle, result, "link update", this.label);
  }

  /** Detaches at once, even if the link is pinned or held by others. The link stays, without an interface. */
  detach(): void {
    checkHandle(this.handle, native().linkDetach(this.handle), "link detach", this.label);
  }
}

/** All links of the kernel (needs CAP_SYS_ADMIN). */
export function* listLinks(): Generator<LinkInfo> {
  for (const id of kernelIds("link")) {
    try {
      yield infoOf(id);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

function infoOf(id: number): LinkInfo {
  const link = BpfLink.fromId(id);
  try {
    return link.info();
  } finally {
    link.close();
  }
}
