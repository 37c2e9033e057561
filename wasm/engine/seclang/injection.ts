// The one place where rules meet the detectors of SQL and script injection.

import { detectSqli as sqli, sqliFingerprint, sqliFingerprintLen } from "../sqli/sqli";
import { detectXss as xss } from "../xss/xss";

export function detectSqli(ptr: usize, len: u32): bool {
  return sqli(ptr, len);
}

export function detectXss(ptr: usize, len: u32): bool {
  return xss(ptr, len);
}

/** Of the last SQL injection that was found. */
export function fingerprint(): usize {
  return sqliFingerprint();
}

export function fingerprintLen(): u32 {
  return sqliFingerprintLen();
}
