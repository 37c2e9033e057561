import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { PolicyState } from "@secuxflow/contracts";
import { repoRoot } from "@secuxflow/testkit";
import type { BpfMap, BpfObject, ScatterResult, ScatterTarget } from "libbpf-ts";

/**
 * The agent's own code, as it is built, for what can only be measured without a process around it: the image builder, the
 * data plane over its maps, the way of a sample into a frame. It is loaded by its path when a suite runs, so that the
 * benchmarks build without it; what is used of it is written down here. Everything else starts services as processes.
 */
const load = async <T>(module: string): Promise<T> => (await import(pathToFileURL(join(repoRoot(), "services/xdp-agent/dist", module)).href)) as T;

/** What the image builder says of an image. */
export interface ImageInfo {
  readonly bytes: number;
  readonly tuples: number;
  readonly longestGroup: number;
  readonly milliseconds: number;
}

interface ImageModule {
  readonly buildImage: (rules: { readonly bytes: Uint8Array; readonly count: number }, target: Uint8Array) => ImageInfo;
}

export const imageBuilder = (): Promise<ImageModule> => load("classifier/image.js");

export interface PinnedObject {
  readonly object: BpfObject;
  readonly maps: { readonly samples: BpfMap };
  readonly folder: string;
}

export interface DataPlane {
  apply(change: { readonly revision: number; readonly state: PolicyState; readonly touched: ReadonlySet<number> | "all" }): Promise<void>;
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface DataPlaneCode {
  readonly openPinnedObject: (options: { objectPath: string; pinFolder: string; ringBytes: number; imageBytes: number; setBytes: number }) => PinnedObject;
  readonly removePinFolder: (folder: string) => void;
  readonly BpfKernel: new (maps: PinnedObject["maps"]) => { writeAllowList(entries: readonly never[]): void };
  readonly WorkerCompiler: new () => object;
  readonly DataPlane: new (options: { kernel: object; compiler: object }) => DataPlane;
}

export const dataPlaneCode = (): Promise<DataPlaneCode> => load("dataplane/index.js");

interface SamplingModule {
  readonly FrameAssembler: new (options: {
    publisher: bigint; maxFrameBytes: number; wallMinusMonotonic: () => bigint; sink: (partition: number, frame: Uint8Array, packets: number) => boolean;
  }) => { packetsSent: number; framesSent: number };
}

interface PumpModule {
  readonly SamplePump: new (source: { scatterInto(target: ScatterTarget): Readonly<ScatterResult>; onReadable(callback: () => void): unknown }, assembler: object) => { start(): void; pump(): void; stop(): void };
}

export const samplingCode = async (): Promise<SamplingModule & PumpModule> =>
  ({ ...(await load<SamplingModule>("sampling/application/frame-assembler.js")), ...(await load<PumpModule>("sampling/application/sample-pump.js")) });
