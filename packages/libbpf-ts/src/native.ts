/**
 * The native addon: its functions as they are, and loading it. Nothing but the classes of this package uses it.
 *
 * Convention: a call that the kernel or libbpf refuses answers a negative errno (or `rc` in an answer object); a wrong
 * argument throws a TypeError with code ERR_LIBBPF_ARGUMENT. Every call is synchronous.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AddonMissingError } from "./errors.js";

/** An opaque object that owns a kernel object, a bpf_object or a mapped ring; freed by the garbage collector at the latest. */
export type Handle = object & { readonly __libbpfHandle?: never };

export type Kind = "map" | "program" | "link";

/** The answer of calls that work on an interface: which step failed with which code. */
export interface Answer {
  rc: number;
  step: "netns" | "interface" | "attach" | "query" | "detach" | "hook" | "run";
}

export interface NativeMapSizes {
  type: number;
  keySize: number;
  valueSize: number;
  elementSize: number;
  maxEntries: number;
  flags: number;
}

export interface NativeMapInfo {
  id: number;
  name: string;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  ifindex: number;
  btfId: number;
  mapExtra: bigint;
}

export interface NativeProgramInfo {
  id: number;
  name: string;
  tag: string;
  type: number;
  gplCompatible: boolean;
  loadTimeNs: bigint;
  createdByUid: number;
  runCount: bigint;
  runTimeNs: bigint;
  jitedSize: number;
  translatedSize: number;
  verifiedInstructions: number;
  btfId: number;
  mapIds: number[];
}

export interface NativeTestRun {
  data: Uint8Array | null;
  dataOut: Uint8Array | null;
  ctx: Uint8Array | null;
  ctxOut: Uint8Array | null;
  repeat: number;
  flags: number;
  cpu: number;
  batchSize: number;
  netns: string | null;
}

export interface NativeObjectProgram {
  name: string;
  section: string;
  type: number;
  autoload: boolean;
}

export interface NativeObjectMap {
  name: string;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  internal: boolean;
  pinPath: string | null;
}

export interface Native {
  takeLog(): (number | string)[];
  setLogLevel(level: number): void;

  fdClose(handle: Handle): void;
  fdNumber(handle: Handle): number;
  fdPin(handle: Handle, path: string): number;
  fdFromPin(kind: Kind, path: string): Handle | number;
  fdFromId(kind: Kind, id: number): Handle | number;
  nextId(kind: Kind, id: number): number;

  mapCreate(type: number, name: string, keySize: number, valueSize: number, maxEntries: number, flags: number,
    innerMap: Handle | null, mapExtra: bigint): Handle | number;
  mapSizes(map: Handle): NativeMapSizes;
  mapInfo(map: Handle): NativeMapInfo | number;
  mapLookup(map: Handle, key: Uint8Array | null, value: Uint8Array, flags: number | bigint): number;
  mapLookupAndDelete(map: Handle, key: Uint8Array | null, value: Uint8Array, flags: number | bigint): number;
  mapUpdate(map: Handle, key: Uint8Array | null, value: Uint8Array, flags: number | bigint): number;
  mapDelete(map: Handle, key: Uint8Array): number;
  mapNextKey(map: Handle, key: Uint8Array | null, next: Uint8Array): number;
  mapLookupBatch(map: Handle, cursorIn: Uint8Array | null, cursorOut: Uint8Array, keys: Uint8Array, values: Uint8Array,
    count: number, andDelete: boolean, out: Uint32Array): number;
  mapUpdateBatch(map: Handle, keys: Uint8Array, values: Uint8Array, count: number, flags: number | bigint,
    out: Uint32Array): number;
  mapDeleteBatch(map: Handle, keys: Uint8Array, count: number, out: Uint32Array): number;
  mapFreeze(map: Handle): number;
  mapMmap(map: Handle): ArrayBuffer | number;

  programInfo(program: Handle): NativeProgramInfo | number;
  programTestRun(program: Handle, run: NativeTestRun):
    Answer & { retval: number; durationNs: number; dataSize: number; ctxSize: number };

  objectOpen(elf: Uint8Array, name: string, pinRoot: string | null): Handle | number;
  objectClose(object: Handle): void;
  objectLoad(object: Handle): number;
  objectPrograms(object: Handle): NativeObjectProgram[] | number;
  /** In an order that stays: the other functions name maps by their position in it. */
  objectMaps(object: Handle): NativeObjectMap[] | number;
  objectSetAutoload(object: Handle, program: string, autoload: boolean): number;
  objectSetMaxEntries(object: Handle, map: number, count: number): number;
  objectSetValueSize(object: Handle, map: number, valueSize: number): number;
  objectReuseMap(object: Handle, position: number, map: Handle): number;
  objectInitialBytes(object: Handle, map: number, offset: number, bytes: Uint8Array, write: boolean): number;
  objectProgramFd(object: Handle, program: string): Handle | number;
  objectMapFd(object: Handle, map: number): Handle | number;

  interfaceIndex(ifname: string, netns: string | null): Answer & { ifindex?: number };
  xdpLinkCreate(program: Handle, ifname: string, netns: string | null, flags: number):
    Answer & { ifindex?: number; link?: Handle | number };
  linkUpdate(link: Handle, program: Handle, expected: Handle | null): number;
  linkDetach(link: Handle): number;
  linkInfo(link: Handle): { id: number; type: number; programId: number; ifindex: number } | number;
  xdpQuery(ifname: string, netns: string | null): Answer & {
    ifindex?: number; attachMode?: number; programId?: number; native?: number; generic?: number; offload?: number;
  };

  tcAttach(program: Handle, ifname: string, netns: string | null, ingress: boolean, handle: number, priority: number,
    replace: boolean): Answer & {
    ifindex?: number; handle?: number; priority?: number; programId?: number; hookCreated?: boolean; netnsInode?: bigint;
  };
  tcDetach(ifindex: number, netns: string | null, netnsInode: bigint, ingress: boolean, handle: number, priority: number,
    programId: number, destroyHook: boolean): Answer;
  tcQuery(ifname: string, netns: string | null, ingress: boolean, handle: number, priority: number):
    Answer & { programId?: number };

  rcuGracePeriod(): Promise<number>;

  ringOpen(map: Handle): Handle | number;
  ringClose(ring: Handle): void;
  ringPending(ring: Handle): number;
  ringConsume(ring: Handle, out: Uint8Array, stats: Uint32Array): number;
  ringScatter(ring: Handle, layout: Uint32Array, groups: readonly Uint8Array[], counts: Uint32Array, ends: Uint32Array,
    timeBases: BigUint64Array, stats: Uint32Array): number;
  ringListen(ring: Handle, callback: (status: number) => void): number;
  ringUnlisten(ring: Handle): void;
  ringRef(ring: Handle, keep: boolean): number;

  possibleCpus(): number;
  libbpfVersion(): string;
  probeMapType(type: number): number;
  probeProgramType(type: number): number;
  probeHelper(programType: number, helper: number): number;
  helperNames(): string[];
  typeNames(kind: Kind): string[];
  mountBpffs(path: string): number;
  enableStats(): Handle | number;
}

const packageFolder = fileURLToPath(new URL("..", import.meta.url));
let loaded: Native | undefined;

/** Loads an addon. @throws {AddonMissingError} there is none, or libbpf is not installed */
export function loadAddon(path: string): Native {
  try {
    return createRequire(import.meta.url)(path) as Native;
  } catch (cause) {
    throw new AddonMissingError(packageFolder, cause);
  }
}

/**
 * The addon, loaded at first use, so that specs can be read where it was never built.
 * @throws {AddonMissingError} it is not built, or libbpf is not installed
 */
export function native(): Native {
  loaded ??= loadAddon(join(packageFolder, "build", "Release", "addon.node"));
  return loaded;
}

/** Whether the addon is built and loads; for tests that skip without it. */
export function addonAvailable(): boolean {
  try {
    native();
    return true;
  } catch {
    return false;
  }
}
