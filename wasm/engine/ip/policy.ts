// Which bytes win where fragments overlap (Shankar and Paxson's "Active Mapping", Novak's "Target-Based Fragmentation
// Reassembly").

export const FRAG_FIRST: u32 = 0;
export const FRAG_LAST: u32 = 1;
export const FRAG_BSD: u32 = 2;
export const FRAG_BSD_RIGHT: u32 = 3;
export const FRAG_LINUX: u32 = 4;
export const FRAG_WINDOWS: u32 = 5;
export const FRAG_SOLARIS: u32 = 6;

/** Whether the fragment that comes later, [start, end), replaces what [oldStart, oldEnd) brought. */
export function fragmentWins(policy: u32, start: u32, end: u32, oldStart: u32, oldEnd: u32): bool {
  switch (policy) {
    case FRAG_LAST: return true;
    case FRAG_BSD: return start < oldStart;
    case FRAG_BSD_RIGHT: return start >= oldStart;
    case FRAG_LINUX: return start <= oldStart;
    case FRAG_WINDOWS: return start < oldStart && end > oldEnd;
    case FRAG_SOLARIS: return start < oldStart && end >= oldEnd;
    default: return false;
  }
}

const HOSTS: u32 = 64;
/** Entries of 32 bytes: prefix (16), bits u32, policy u32. */
const hosts: usize = memory.data(64 * 32, 16);
let hostCount: u32 = 0;
let defaultPolicy: u32 = FRAG_BSD;

export function setFragmentPolicy(policy: u32): void {
  defaultPolicy = policy;
}

/** Adds a network (16 bytes in wire order, IPv4 mapped, `bits` of 128); false when the list is full. */
export function addFragmentPolicy(prefix: usize, bits: u32, policy: u32): bool {
  if (hostCount >= HOSTS || bits > 128 || policy > FRAG_SOLARIS) return false;
  const at = hosts + (hostCount++ << 5);
  memory.copy(at, prefix, 16);
  store<u32>(at, bits, 16);
  store<u32>(at, policy, 20);
  return true;
}

export function clearFragmentPolicies(): void {
  hostCount = 0;
}

/** Policy of the receiver: its longest network's, or the default. */
export function fragmentPolicy(address: usize): u32 {
  let policy = defaultPolicy;
  let longest: i32 = -1;
  for (let i: u32 = 0; i < hostCount; i++) {
    const at = hosts + (i << 5);
    const bits = load<u32>(at, 16);
    if (<i32>bits > longest && samePrefix(at, address, bits)) {
      longest = <i32>bits;
      policy = load<u32>(at, 20);
    }
  }
  return policy;
}

/** Whether the first `bits` of the two 16-byte addresses are equal. */
export function samePrefix(a: usize, b: usize, bits: u32): bool {
  const whole = bits >>> 3;
  for (let i: u32 = 0; i < whole; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  const rest = bits & 7;
  return rest == 0 || (<u32>load<u8>(a + whole) ^ <u32>load<u8>(b + whole)) >>> (8 - rest) == 0;
}
