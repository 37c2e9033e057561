// Script injection: a value is read as HTML in the contexts it may be pasted into; tags, attributes and addresses through which
// browsers run script are looked for. Method and names: libinjection 4 (../sqli/NOTICE.md).

import { find } from "../sqli/find";
import {
  ATTRIBUTE_NAME, ATTRIBUTE_VALUE, COMMENT, DOCTYPE, IN_BACKTICK, IN_DATA, TAG_OPEN, beginHtml, nextHtml, tokenLen, tokenPtr,
  tokenType,
} from "./html";
import { ADDRESS, BANNED, INDIRECT, NO_NAME, STYLE, TAG, beginsWithEvent, kindOf } from "./names";
import { runsScript } from "./address";

/** Whether a browser would run script from a value that is pasted into a page, as libinjection 4 decides. */
export function detectXss(ptr: usize, len: u32): bool {
  // Tags and comments begin with <, and nothing else is bad but values, which stand behind =.
  const end = ptr + len;
  if (find(ptr, end, 0x3c) == end && find(ptr, end, 0x3d) == end) return false;
  for (let context = IN_DATA; context <= IN_BACKTICK; context++) {
    if (isInjection(ptr, len, context)) return true;
  }
  return false;
}

function isInjection(ptr: usize, len: u32, context: u32): bool {
  let attribute = NO_NAME;
  beginHtml(ptr, len, context);
  while (nextHtml()) {
    const kind = attribute;
    attribute = NO_NAME;
    if (tokenType == ATTRIBUTE_NAME) attribute = attributeKind(tokenPtr, tokenLen);
    else if (tokenType == ATTRIBUTE_VALUE ? isBadValue(kind) : isBadToken()) return true;
  }
  return false;
}

function isBadToken(): bool {
  if (tokenType == TAG_OPEN) return isBadTag(tokenPtr, tokenLen);
  if (tokenType == COMMENT) return isBadComment(tokenPtr, tokenLen);
  return tokenType == DOCTYPE;
}

function isBadValue(kind: u32): bool {
  if (kind == ADDRESS) return runsScript(tokenPtr, tokenPtr + tokenLen);
  if (kind == INDIRECT) return attributeKind(tokenPtr, tokenLen) != NO_NAME;
  return kind == BANNED || kind == STYLE;
}

/** Whether text begins with these capitals, whatever its case. */
function begins(ptr: usize, len: u32, capitals: string): bool {
  if (len < <u32>capitals.length) return false;
  for (let n = 0; n < capitals.length; n++) {
    const char = <u32>load<u8>(ptr + n);
    const capital = char - 97 < 26 ? char - 32 : char;
    if (capital != <u32>load<u16>(changetype<usize>(capitals) + (n << 1))) return false;
  }
  return true;
}

function isBadTag(ptr: usize, len: u32): bool {
  if (len < 3) return false;
  return kindOf(TAG, ptr, len) != NO_NAME || begins(ptr, len, "SVG") || begins(ptr, len, "XSL");
}

function attributeKind(ptr: usize, len: u32): u32 {
  if (len < 2) return NO_NAME;
  if (len >= 5) {
    if (begins(ptr, len, "ON") && beginsWithEvent(ptr + 2, len - 2)) return BANNED;
    if (begins(ptr, len, "XMLNS") || begins(ptr, len, "XLINK")) return BANNED;
  }
  return kindOf(BANNED, ptr, len);
}

/** Comments that Internet Explorer reads, and declarations. */
function isBadComment(ptr: usize, len: u32): bool {
  if (find(ptr, ptr + len, 0x60) < ptr + len) return true;
  if (len > 3 && (begins(ptr, len, "[IF") || begins(ptr, len, "XML"))) return true;
  return begins(ptr, len, "IMPORT") || begins(ptr, len, "ENTITY");
}
