export { CaptureError } from "./errors.js";
export { LinkType, linkTypeName } from "./link-type.js";
export { MAX_PACKET_BYTES } from "./packet.js";
export type { CapturedPacket } from "./packet.js";
export { readCapture } from "./read.js";
export { captureHeader, captureRecord } from "./write.js";
