/** From encoded rules to the image that the kernel's classifier reads. Pure: no file, map or clock is touched. */
export { buildImage } from "./image.js";
export { RecordIndex } from "./records.js";
export { buildSetImage } from "./sets.js";
export { PREFIX_BYTES } from "./types.js";
