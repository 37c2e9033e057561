/** Loaded BPF programs. */
import { checkHandle } from "./call.js";
import { FdObject, handleFromId, handleFromPin } from "./fd-object.js";
import type { BpfLink } from "./link.js";
import { type Handle, native } from "./native.js";
import { attachTc, type TcAttachment, type TcAttachOptions } from "./tc.js";
import { testRun, type TestRunOptions, type TestRunResult } from "./test-run.js";
import { programTypes, typeName } from "./types.js";
import { attachXdp, type XdpAttachOptions } from "./xdp.js";

export interface ProgramInfo {
  id: number;
  /** At most 15 characters. */
  name: string;
  /** Hash of the instructions, 16 hexadecimal digits. */
  tag: string;
  type: string;
  gplCompatible: boolean;
  /** Since boot. */
  loadTimeNs: bigint;
  createdByUid: number;
  /** Runs and their time, counted while {@link enableStats} is on. */
  runCount: bigint;
  runTimeNs: bigint;
  /** Bytes of machine code; 0 without JIT. */
  jitedSize: number;
  translatedSize: number;
  verifiedInstructions: number;
  btfId: number;
  mapIds: number[];
}

export class BpfProgram extends FdObject {
  readonly #name: string;

  /** Internal: use an object's `programs`, {@link fromPin} or {@link fromId}. */
  constructor(handle: Handle, name: string) {
    super(handle);
    this.#name = name;
  }

  /** Opens a pinned program. @throws {BpfError} ENOENT; EPROTOTYPE: it is no program */
  static fromPin(path: string): BpfProgram {
    const program = new BpfProgram(handleFromPin("program", path), path);
    program.rememberPin(path);
    return program;
  }

  /** Opens a program by its id. @throws {BpfError} ENOENT; EPERM: needs CAP_SYS_ADMIN */
  static fromId(id: number): BpfProgram {
    return new BpfProgram(handleFromId("program", id), `id ${id}`);
  }

  get name(): string { return this.#name; }
  get label(): string { return `program "${this.#name}"`; }
  get id(): number { return this.info().id; }

  info(): ProgramInfo {
    const info = native().programInfo(this.handle);
    if (typeof info === "number") {
      checkHandle(this.handle, info, "program info", this.label);
      throw new Error("unreachable");
    }
    return { ...info, type: typeName(programTypes, info.type) };
  }

  /** See {@link attachXdp}. */
  attachXdp(ifname: string, options: XdpAttachOptions = {}): BpfLink {
    return attachXdp(this, ifname, options);
  }

  /** See {@link attachTc}. */
  attachTc(ifname: string, options: TcAttachOptions): TcAttachment {
    return attachTc(this, ifname, options);
  }

  /** See {@link testRun}. */
  testRun(options: TestRunOptions): TestRunResult {
    return testRun(this, options);
  }
}
