// Domain names in DNS messages (RFC 1035 4.1.4): labels joined by dots, compression followed a bounded number of times.

/** Longest name that is kept, as long as what Suricata keeps. */
export const DNS_MAX_NAME: u32 = 1025;
const MAX_JUMPS: u32 = 255;
const MAX_LABELS: u32 = 255;

export const NAME_TOO_LONG: u32 = 1;
export const NAME_LOOP: u32 = 2;
export const NAME_TOO_MANY_LABELS: u32 = 4;

/** What was odd about the last name (NAME_ bits), its length as text, and where the message goes on behind it. */
export let nameFlags: u32 = 0;
export let nameLength: u32 = 0;
export let nameEnd: u32 = 0;

/**
 * Reads the name at `at` of the message into `to` (DNS_MAX_NAME bytes). False when it is damaged: it runs out of the message, or
 * has a reserved label type. A name that is only too long or loops is cut, with a flag.
 */
export function readName(msg: usize, len: u32, at: u32, to: usize): bool {
  let pos = at;
  let out: u32 = 0;
  let jumps: u32 = 0;
  let labels: u32 = 0;
  let end: u32 = 0;
  let full = false;
  nameFlags = 0;
  nameLength = 0;
  while (true) {
    if (pos >= len) return false;
    const n: u32 = load<u8>(msg + pos);
    if (n == 0) {
      if (end == 0) end = pos + 1;
      break;
    }
    if ((n & 0xc0) == 0xc0) {
      if (pos + 1 >= len) return false;
      if (end == 0) end = pos + 2;
      if (++jumps > MAX_JUMPS) {
        nameFlags |= NAME_LOOP;
        break;
      }
      pos = ((n & 0x3f) << 8) | load<u8>(msg + pos + 1);
      if (full) break;
      continue;
    }
    if ((n & 0xc0) != 0) return false;
    if (pos + 1 + n > len) return false;
    if (!full) {
      if (++labels > MAX_LABELS) {
        nameFlags |= NAME_TOO_MANY_LABELS;
        full = true;
      } else {
        const dot: u32 = out != 0 ? 1 : 0;
        const room = DNS_MAX_NAME - out;
        if (n + dot > room) {
          nameFlags |= NAME_TOO_LONG;
          full = true;
        }
        if (dot != 0 && room != 0) store<u8>(to + out, 46);
        out += min(dot, room);
        const copied = min(n, DNS_MAX_NAME - out);
        memory.copy(to + out, msg + pos + 1, copied);
        out += copied;
      }
    }
    pos += 1 + n;
  }
  nameLength = out;
  nameEnd = end;
  return true;
}
