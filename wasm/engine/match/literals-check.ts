// Whether a literal set is sound: everything that a scan reads without looking is where it may be. Done once, at load.

const MAGIC: u32 = 0x5354494c;
const HEADER: u32 = 96;
const LAST: u32 = 0x80000000;

/** Whether the bytes (16-aligned, made by `encodeLiterals`) are a sound set. */
export function literalsCheck(ptr: usize, len: u32): bool {
  if ((ptr & 15) != 0 || len < HEADER || load<u32>(ptr) != MAGIC || load<u32>(ptr, 4) > len) return false;
  const total = load<u32>(ptr, 4);
  const count = load<u32>(ptr, 8);
  const distinct = load<u32>(ptr, 12);
  const mode = load<u32>(ptr, 16);
  if (distinct > count || mode > 3) return false;
  if (!fits(total, load<u32>(ptr, 20), distinct, 16) || !fits(total, load<u32>(ptr, 24), count, 4)) return false;
  if (!fits(total, load<u32>(ptr, 28), count, 4) || !fits(total, load<u32>(ptr, 64), load<u32>(ptr, 68), 8)) return false;
  if (!recordsSound(ptr, total, count, distinct) || !singlesSound(ptr, distinct)) return false;
  if (mode == 0) return true;
  if (!entriesSound(ptr, total, distinct)) return false;
  if ((mode & 1) != 0 && !nibblesSound(ptr, total)) return false;
  return (mode & 2) == 0 || windowsSound(ptr, total);
}

/** Whether `count` things of `size` bytes fit at `at`. */
function fits(total: u32, at: u32, count: u32, size: u32): bool {
  return (at & 15) == 0 && at <= total && count <= (total - at) / size;
}

function recordsSound(ptr: usize, total: u32, count: u32, distinct: u32): bool {
  const records = ptr + load<u32>(ptr, 20);
  let next: u32 = 0;
  for (let i: u32 = 0; i < distinct; i++) {
    const record = records + (i << 4);
    const length = load<u32>(record, 4);
    const indexes = load<u32>(record, 12);
    if (length == 0 || length > 8192 || !fits(total, load<u32>(record), ((length + 15) & ~15) * 2, 1)) return false;
    if (load<u32>(record, 8) != next || indexes > count - next) return false;
    next += indexes;
  }
  if (next != count) return false;
  const order = ptr + load<u32>(ptr, 24);
  const numbers = ptr + load<u32>(ptr, 28);
  for (let i: u32 = 0; i < count; i++) {
    if (load<u32>(order + (i << 2)) >= count || load<u32>(numbers + (i << 2)) >= distinct) return false;
  }
  return true;
}

function singlesSound(ptr: usize, distinct: u32): bool {
  const singles = ptr + load<u32>(ptr, 64);
  for (let i: u32 = 0; i < load<u32>(ptr, 68); i++) {
    if (load<u32>(singles + (i << 3)) >= distinct) return false;
  }
  return true;
}

function entriesSound(ptr: usize, total: u32, distinct: u32): bool {
  const count = load<u32>(ptr, 36);
  const at = load<u32>(ptr, 32);
  if (!fits(total, at, count, 20)) return false;
  const records = ptr + load<u32>(ptr, 20);
  for (let i: u32 = 0; i < count; i++) {
    const entry = ptr + at + i * 20;
    const number = load<u32>(entry) & ~LAST;
    const length: u32 = load<u16>(entry, 6);
    const check: u32 = load<u16>(entry, 8);
    if (number >= distinct || load<u32>(records + (number << 4), 4) != length || <u32>load<u16>(entry, 4) >= length) return false;
    if (check != 0xffff && check + 4 > length) return false;
    if (i == count - 1 && (load<u32>(entry) & LAST) == 0) return false;
  }
  return true;
}

function nibblesSound(ptr: usize, total: u32): bool {
  const starts = load<u32>(ptr, 76);
  if (!fits(total, load<u32>(ptr, 72), 96, 1) || !fits(total, starts, 8, 4)) return false;
  for (let i: u32 = 0; i < 8; i++) {
    if (load<u32>(ptr + starts + (i << 2)) > load<u32>(ptr, 36)) return false;
  }
  return true;
}

function windowsSound(ptr: usize, total: u32): bool {
  const log2 = load<u32>(ptr, 44);
  const bloom = load<u32>(ptr, 52);
  const pairs = load<u32>(ptr, 56);
  const at = load<u32>(ptr, 40);
  if (log2 < 1 || log2 > 24 || bloom < 1 || bloom > 24) return false;
  if (!fits(total, at, <u32>1 << log2, 16) || !fits(total, load<u32>(ptr, 48), <u32>1 << bloom, 4)) return false;
  if ((load<u32>(ptr, 60) & 2) != 0 && (pairs == 0 || !fits(total, pairs, 8192, 1))) return false;
  let free = false;
  for (let i: u32 = 0; i < <u32>1 << log2; i++) {
    const entry = load<u32>(ptr + at + (i << 4), 4);
    if (entry > load<u32>(ptr, 36)) return false;
    if (entry == 0) free = true;
  }
  return free;
}
