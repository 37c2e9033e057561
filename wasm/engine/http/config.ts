// Limits of the HTTP parser, with Suricata's defaults where it has them.

/** Bytes of decoded body kept per message. */
export let requestBodyLimit: u32 = 102400;
export let responseBodyLimit: u32 = 102400;
/** Longest line or header, and bytes of headers that wait for their end. */
export let fieldLimit: u32 = 18000;
/** Bytes of a whole header block. */
export let headBytesLimit: u32 = 262144;
/** Header names in a message. */
export let headerCountLimit: u32 = 1024;
/** Transactions of a connection that are not done. */
export let transactionLimit: u32 = 512;
/** Layers of content encoding, bytes that a decoded body may have, and how many times its encoded size at most. */
export let decodeLayerLimit: u32 = 2;
export let bombLimit: u32 = 1048576;
export let bombRatio: u32 = 2048;
/** Whether requests' bodies are decompressed as well, and whether LZMA is. */
export let decodeRequests: bool = true;
export let decodeLzma: bool = false;

/** WANT_ bits. */
export let wantBits: u32 = 7;
/** Longest multipart part header and number of files of a message. */
export let fileCountLimit: u32 = 256;

export function setBodyLimits(request: u32, response: u32): void {
  requestBodyLimit = request;
  responseBodyLimit = response;
}
export function setFieldLimits(field: u32, block: u32, headers: u32): void {
  fieldLimit = field;
  headBytesLimit = block;
  headerCountLimit = headers;
}
export function setTransactionLimit(count: u32): void {
  transactionLimit = count;
}
export function setDecodeLimits(layers: u32, bytes: u32, ratio: u32): void {
  decodeLayerLimit = layers;
  bombLimit = bytes;
  bombRatio = ratio;
}
/** WANT_ bits: what is kept of bodies from now on. The decoded length is counted and onTxBody called in any case. */
export function setWant(bits: u32): void {
  wantBits = bits;
}
export function setDecodeOptions(requests: bool, lzma: bool): void {
  decodeRequests = requests;
  decodeLzma = lzma;
}
