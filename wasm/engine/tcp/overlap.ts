// Which bytes win where TCP segments overlap: Novak and Sturges, "Target-Based TCP Stream Reassembly" (2007), in the form that
// Suricata applies it.

import {
  POLICY_BSD, POLICY_HPUX10, POLICY_HPUX11, POLICY_IRIX, POLICY_LAST, POLICY_LINUX, POLICY_MACOS, POLICY_OLD_LINUX,
  POLICY_SOLARIS, POLICY_WINDOWS, POLICY_WINDOWS2K3,
} from "./settings";

/**
 * Whether a segment [start, end) replaces the bytes of an older one [oldStart, oldEnd) that are not yet acknowledged. The
 * arguments are distances, so that sequence numbers may wrap.
 */
export function segmentWins(policy: u32, start: i32, end: i32, oldStart: i32, oldEnd: i32): bool {
  switch (policy) {
    case POLICY_LAST:
      return true;
    case POLICY_BSD:
    case POLICY_HPUX10:
    case POLICY_IRIX:
    case POLICY_MACOS:
    case POLICY_WINDOWS:
    case POLICY_WINDOWS2K3:
      return start < oldStart;
    case POLICY_LINUX:
      return start < oldStart || (start == oldStart && end > oldEnd);
    case POLICY_OLD_LINUX:
      return start < oldStart || (start == oldStart && end >= oldEnd);
    case POLICY_SOLARIS:
    case POLICY_HPUX11:
      return start <= oldStart ? end >= oldEnd : end > oldEnd;
    default: // first, vista, bsd-right and old-solaris keep what they have
      return false;
  }
}
