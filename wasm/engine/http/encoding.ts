// From the header Content-Encoding to the layers that decode the body.

import { containsFoldNoNul, equalsFoldNoNul, equalsText } from "./bytes";
import { decodeLayerLimit, decodeLzma } from "./config";
import { CODE_DEFLATE, CODE_GZIP, CODE_LZMA, decoderAdd } from "./decompress";
import { EV_ABNORMAL_CE_HEADER, EV_TOO_MANY_ENCODING_LAYERS, raise } from "./events";
import { HttpMessage, HttpTx } from "./types";

/** Sets up `message.decoder` for the header's (joined) value. */
export function setupDecoder(tx: HttpTx, message: HttpMessage, ptr: usize, len: u32): void {
  if (equalsFoldNoNul(ptr, len, "gzip") || equalsFoldNoNul(ptr, len, "x-gzip")) addLayer(message, CODE_GZIP);
  else if (equalsFoldNoNul(ptr, len, "deflate") || equalsFoldNoNul(ptr, len, "x-deflate")) addLayer(message, CODE_DEFLATE);
  else if (equalsFoldNoNul(ptr, len, "lzma")) addLayer(message, CODE_LZMA);
  else if (!equalsFoldNoNul(ptr, len, "inflate") && !equalsFoldNoNul(ptr, len, "none")) setupList(tx, message, ptr, len);
}

/** A list of encodings, in the order in which they were applied. */
function setupList(tx: HttpTx, message: HttpMessage, ptr: usize, len: u32): void {
  let layers: u32 = 0;
  let i: u32 = 0;
  while (i < len) {
    let c: u32 = load<u8>(ptr + i);
    if (c == 44 || c == 32) {
      i++;
      continue;
    }
    const from = i;
    while (i < len) {
      c = load<u8>(ptr + i);
      if (c == 44 || c == 32) break;
      i++;
    }
    if (++layers > decodeLayerLimit) {
      raise(tx, EV_TOO_MANY_ENCODING_LAYERS);
      return;
    }
    const at = ptr + from;
    const n = i - from;
    if (containsFoldNoNul(at, n, "gzip")) {
      if (!equalsText(at, n, "gzip") && !equalsText(at, n, "x-gzip")) raise(tx, EV_ABNORMAL_CE_HEADER);
      addLayer(message, CODE_GZIP);
    } else if (containsFoldNoNul(at, n, "deflate")) {
      if (!equalsText(at, n, "deflate") && !equalsText(at, n, "x-deflate")) raise(tx, EV_ABNORMAL_CE_HEADER);
      addLayer(message, CODE_DEFLATE);
    } else if (equalsText(at, n, "lzma")) addLayer(message, CODE_LZMA);
    else if (!equalsText(at, n, "inflate") && !equalsText(at, n, "none")) raise(tx, EV_ABNORMAL_CE_HEADER);
  }
}

/** Without LZMA its layer passes everything on, which is the same as no layer. */
function addLayer(message: HttpMessage, code: u32): void {
  if (code == CODE_LZMA && !decodeLzma) return;
  message.decoder = decoderAdd(message.decoder, code);
}
