// Request methods that the parser knows; what it does not know may be a body that should not be there.

import { equalsText } from "./bytes";
import { METHOD_CONNECT, METHOD_GET, METHOD_HEAD, METHOD_KNOWN, METHOD_OTHER, METHOD_POST, METHOD_PUT } from "./types";

const OTHERS = "DELETE OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK VERSION-CONTROL CHECKOUT UNCHECKOUT " +
  "CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY BASELINE-CONTROL MERGE INVALID ";

/** METHOD_ number of the bytes; letters count. */
export function methodNumber(ptr: usize, len: u32): u32 {
  if (len < 3 || len > 16) return METHOD_OTHER;
  if (equalsText(ptr, len, "GET")) return METHOD_GET;
  if (equalsText(ptr, len, "POST")) return METHOD_POST;
  if (equalsText(ptr, len, "HEAD")) return METHOD_HEAD;
  if (equalsText(ptr, len, "PUT")) return METHOD_PUT;
  if (equalsText(ptr, len, "CONNECT")) return METHOD_CONNECT;
  const n = OTHERS.length;
  const text = changetype<usize>(OTHERS);
  let at = 0;
  while (at < n) {
    let i = 0;
    while (i < <i32>len && load<u16>(text + ((at + i) << 1)) == load<u8>(ptr + i)) i++;
    if (i == <i32>len && load<u16>(text + ((at + i) << 1)) == 32) return METHOD_KNOWN;
    while (load<u16>(text + (at << 1)) != 32) at++;
    at++;
  }
  return METHOD_OTHER;
}
