export { batchesOf } from "./batches.js";
export type { CaptureBatch } from "./batches.js";
export { inspectCapture } from "./inspect.js";
export type { OfflineOptions, OfflineStats } from "./inspect.js";
export { chunksOfFile } from "./read-file.js";
// What whoever works without services needs of captures and events.
export { detectionEvent } from "@secuxflow/eve";
export type { EveOptions, JsonObject, StoredDetection } from "@secuxflow/eve";
export { captureHeader, CaptureError, captureRecord, LinkType, readCapture } from "@secuxflow/pcap";
