/**
 * TypeScript binding to libbpf. In the order of use: an object file is read as a spec (no kernel needed), opened and loaded
 * as an object, its programs are attached by links, its maps and ring buffers are read and written.
 */
export { readObjectSpec, structLayoutOf, type ObjectSpec, type ProgramSpec } from "./spec/object-spec.js";
export type { MapSpec } from "./spec/map-spec.js";
export type { VariableSpec } from "./spec/variable-spec.js";
export { Btf, kernelBtf } from "./btf/btf.js";
export { structLayout, type StructLayout, type StructMember } from "./btf/layout.js";

export { BpfObject, type ObjectOpenOptions } from "./object.js";
export { BpfProgram, type ProgramInfo } from "./program.js";
export { testRun, xdpContext, type TestRunOptions, type TestRunResult } from "./test-run.js";
export {
  BpfMap, perCpuValues, possibleCpus, type MapCreateOptions, type MapInfo, type MapKey, type MapValue,
} from "./map.js";
export { BatchReader, type BatchOptions } from "./map-batch.js";
export { scatterRecords, type ScatterLayout, type ScatterResult, type ScatterTarget } from "./scatter.js";
export { RingBuffer, type ConsumeResult, type RingListener } from "./ring-buffer.js";
export { RECORD_HEADER, recordSize, walkRecords } from "./records.js";

export { BpfLink, listLinks, type LinkInfo } from "./link.js";
export { queryXdp, type XdpAttachOptions, type XdpMode, type XdpState } from "./xdp.js";
export { queryTc, TcAttachment, type TcAttachOptions, type TcFilter } from "./tc.js";
export { ifIndex, type NetnsOptions } from "./interface.js";

export { features } from "./features.js";
export { enableStats, isBpffs, libbpfVersion, mountBpffs } from "./system.js";
export { rcuGracePeriod } from "./rcu.js";
export { kernelIds, removePin } from "./fd-object.js";
export { setLogHandler, type LogHandler, type LogLevel } from "./call.js";
export { addonAvailable } from "./native.js";
export {
  linkTypes, MapFlag, mapTypes, programTypes, TcAction, UpdateFlag, XdpAction,
  type LinkTypeName, type MapTypeName, type ProgramTypeName,
} from "./types.js";
export {
  AddonMissingError, ArgumentError, AttachBusyError, BatchError, BpfError, ClosedError, isNotSupported, LibbpfError,
  MapMismatchError, NotSupportedError, RecordFormatError, SpecError, StateError, UnknownNameError, VerifierError,
  type AttachedProgram,
} from "./errors.js";
