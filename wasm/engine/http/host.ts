// Authorities: host names, ports, and whether they are what they should be.

// What parseAuthority found.
export let hostAt: usize = 0;
export let hostLen: u32 = 0;
/** Port, 0 without or when it is none. */
export let hostPort: u32 = 0;
export let hostPortGiven: bool = false;
export let hostValid: bool = false;

/** Splits "host[:port]"; false when there is no host at all (as in "/path"). */
export function parseAuthority(ptr: usize, len: u32): bool {
  const end = ptr + len;
  let at = ptr;
  hostLen = 0;
  hostPort = 0;
  hostPortGiven = false;
  hostValid = false;
  if (len >= 2 && load<u8>(at) == 47 && load<u8>(at + 1) == 47) at += 2;
  if (at < end && load<u8>(at) == 47) return false;
  while (at < end && load<u8>(at) == 32) at++;
  hostAt = at;
  if (at < end && load<u8>(at) == 91) {
    at++;
    const from = at;
    while (at < end && !stops(load<u8>(at)) && load<u8>(at) != 93) at++;
    if (at == from) at = hostAt;
    else if (at < end && load<u8>(at) == 93) at++;
  }
  if (at == hostAt) {
    while (at < end && !stops(load<u8>(at)) && load<u8>(at) != 58) at++;
  }
  if (at == hostAt) return false;
  let stop = at;
  while (stop > hostAt && load<u8>(stop - 1) == 32) stop--;
  hostLen = <u32>(stop - hostAt);
  hostValid = validHost(hostAt, hostLen);
  if (at < end) port(at, end);
  return true;
}

// @ts-ignore: decorator
@inline function stops(c: u32): bool {
  return c == 47 || c == 63 || c == 35;
}

/** What follows the host: ":port", or junk. */
function port(at: usize, end: usize): void {
  if (load<u8>(at) != 58) {
    hostValid = false;
    return;
  }
  at++;
  while (at < end && load<u8>(at) == 32) at++;
  let stop = at;
  while (stop < end && !stops(load<u8>(stop)) && load<u8>(stop) != 32) stop++;
  if (stop == at) {
    hostValid = false;
    return;
  }
  hostPortGiven = true;
  let value: u32 = 0;
  for (; at < stop; at++) {
    const d = <u32>load<u8>(at) - 48;
    if (d > 9 || value > 65535) {
      value = 65536;
      break;
    }
    value = value * 10 + d;
  }
  if (value == 0 || value > 65535) hostValid = false;
  else hostPort = value;
}

/** Relaxed host name check: labels of letters, digits, "-" and "_", at most 63 long, none empty at the start or inside. */
export function validHost(ptr: usize, len: u32): bool {
  if (len == 0 || len > 255) return false;
  if (load<u8>(ptr) == 91) return validIpv6(ptr, len);
  if (load<u8>(ptr) == 46) return false;
  let label: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (c == 46) {
      if (i + 1 < len && load<u8>(ptr + i + 1) == 46) return false;
      label = 0;
    } else {
      if (!((c | 32) - 97 < 26 || c - 48 < 10 || c == 45 || c == 95 || c >= 0xaa)) return false;
      if (++label > 63) return false;
    }
  }
  return true;
}

/** "[...]" with an IPv6 address between the brackets, which may end in an IPv4 address. */
function validIpv6(ptr: usize, len: u32): bool {
  if (len < 4 || load<u8>(ptr + len - 1) != 93) return false;
  let groups: u32 = 0;
  let digits: u32 = 0;
  let gap = false;
  const end = len - 1;
  let i: u32 = 1;
  while (i < end) {
    const c: u32 = load<u8>(ptr + i);
    if (c == 58) {
      if (i + 1 < end && load<u8>(ptr + i + 1) == 58) {
        if (gap) return false;
        gap = true;
        i++;
      } else if (digits == 0 || i + 1 == end) return false;
      digits = 0;
    } else if (c == 46) {
      return digits > 0 && validIpv4(ptr + i - digits, end - i + digits) && (gap ? groups <= 6 : groups == 7);
    } else if (c - 48 < 10 || (c | 32) - 97 < 6) {
      if (digits == 0) groups++;
      if (++digits > 4) return false;
    } else return false;
    i++;
  }
  return gap ? groups < 8 : groups == 8;
}

function validIpv4(ptr: usize, len: u32): bool {
  let parts: u32 = 1;
  let value: u32 = 0;
  let digits: u32 = 0;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if (c == 46) {
      if (digits == 0 || ++parts > 4) return false;
      value = 0;
      digits = 0;
    } else {
      if (c - 48 > 9) return false;
      value = value * 10 + c - 48;
      if (++digits > 3 || value > 255) return false;
    }
  }
  return parts == 4 && digits > 0;
}

