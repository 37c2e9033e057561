// What single TCP headers show: port scans, many connections to log-in services, impossible flags. Counted per source and
// target in windows of batch time; each is reported once a window.

import {
  ATTR_ATTEMPTS_COUNT,
  ATTR_MESSAGE,
  ATTR_PORTS_COUNT,
  recordDport,
  recordDst,
  recordSport,
  recordSrc,
} from "../../../abi/assembly/abi";
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG, record, tcpFlags } from "../../../sdk/assembly/batch";
import { isKey } from "../../../sdk/assembly/config";
import { addFinding, addNumber, addText } from "../../../sdk/assembly/findings";
import { RateTable, countDistinct, firstInWindow, makeRateTable, rateEntry } from "../../../sdk/assembly/rate";
import { ruleConfidence, ruleId, ruleSeverity, ruleVerdict } from "../../../sdk/assembly/signatures";
import { RULE_9000014, RULE_9000015, RULE_9000016, RULE_9000017, RULE_9000018 } from "./generated/rules";

const SECOND: u64 = 1000000000;
/** Keys of the tables, apart from port numbers. */
const PORTS: u32 = 0x10000;
const ANOMALIES: u32 = 0x20000;

let scanPorts: u32 = 20;
let scanWindow: u64 = 60 * SECOND;
let bruteAttempts: u32 = 10;
let bruteWindow: u64 = 60 * SECOND;
let table: RateTable = changetype<RateTable>(0);

export function initScan(): void {
  table = makeRateTable(2048);
}

/** `scan.ports`, `scan.window_s`, `brute.attempts`, `brute.window_s`; false for anything else or out of range. */
export function setScanOption(key: usize, len: u32, value: i64): bool {
  if (isKey(key, len, "scan.window_s") && value >= 1 && value <= 3600) {
    scanWindow = <u64>value * SECOND;
  } else if (isKey(key, len, "brute.window_s") && value >= 1 && value <= 3600) {
    bruteWindow = <u64>value * SECOND;
  } else if (isKey(key, len, "scan.ports") && value >= 2 && value <= 64) {
    scanPorts = <u32>value;
  } else if (isKey(key, len, "brute.attempts") && value >= 2 && value <= 64) {
    bruteAttempts = <u32>value;
  } else {
    return false;
  }
  return true;
}

function report(rule: u32): void {
  addFinding(ruleId(rule), ruleSeverity(rule), ruleVerdict(rule), ruleConfidence(rule));
}

/** Name of a service that takes log-ins on that port, or nothing. */
function loginService(port: u16): string {
  switch (port) {
    case 21:
      return "FTP";
    case 22:
      return "SSH";
    case 23:
      return "Telnet";
    case 110:
      return "POP3";
    case 143:
      return "IMAP";
    case 445:
      return "SMB";
    case 1433:
      return "SQL Server";
    case 3306:
      return "MySQL";
    case 3389:
      return "RDP";
    case 5432:
      return "PostgreSQL";
    case 5900:
      return "VNC";
    default:
      return "";
  }
}

function anomaly(rule: u32, bit: u32): void {
  if (firstInWindow(rateEntry(table, recordSrc(record), recordDst(record), ANOMALIES, scanWindow), bit)) report(rule);
}

/** Looks at the current record's TCP header; `newFlow` says that nothing of its flow was seen before. */
export function inspectHeader(newFlow: bool): void {
  const flags = tcpFlags;
  if (flags == 0) {
    anomaly(RULE_9000017, 0);
  } else if ((flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN)) {
    anomaly(RULE_9000016, 1);
  } else if (flags == (TCP_FIN | TCP_PSH | TCP_URG)) {
    anomaly(RULE_9000018, 2);
  }
  if ((flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN || !newFlow) return;
  const src = recordSrc(record);
  const dst = recordDst(record);
  const port = recordDport(record);
  const scan = rateEntry(table, src, dst, PORTS, scanWindow);
  const ports = countDistinct(scan, port);
  if (ports >= scanPorts && firstInWindow(scan, 0)) {
    report(RULE_9000014);
    addNumber(ATTR_PORTS_COUNT, ports);
  }
  const service = loginService(port);
  if (service.length == 0) return;
  const brute = rateEntry(table, src, dst, port, bruteWindow);
  const attempts = countDistinct(brute, recordSport(record));
  if (attempts >= bruteAttempts && firstInWindow(brute, 0)) {
    report(RULE_9000015);
    addText(ATTR_MESSAGE, service);
    addNumber(ATTR_ATTEMPTS_COUNT, attempts);
  }
}
