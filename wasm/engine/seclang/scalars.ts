// Variables with one value that are made when a rule asks for them.

import {
  V_DURATION, V_FULL_REQUEST_LENGTH, V_HIGHEST_SEVERITY, V_INBOUND_DATA_ERROR, V_MODSEC_BUILD,
  V_MULTIPART_STRICT_ERROR, V_OUTBOUND_DATA_ERROR, V_REMOTE_ADDR, V_REMOTE_HOST, V_REMOTE_PORT,
  V_REQBODY_ERROR, V_REQBODY_PROCESSOR, V_REQBODY_PROCESSOR_ERROR, V_RESPONSE_STATUS, V_SERVER_ADDR, V_SERVER_PORT, V_TIME,
  V_TIME_DAY, V_TIME_EPOCH, V_TIME_HOUR, V_TIME_MIN, V_TIME_MON, V_TIME_SEC, V_TIME_WDAY, V_TIME_YEAR, V_UNIQUE_ID,
  V_URLENCODED_ERROR, V_USERAGENT_IP, V_ARGS_COMBINED_SIZE, V_FILES_COMBINED_SIZE, V_REQUEST_BODY_LENGTH,
} from "./ids";
import { BODY_JSON, BODY_MULTIPART, BODY_URLENCODED, BODY_XML } from "./layout";
import { Transaction, decimal, decimalLen, makeValue, scalarOf, setScalar, txTake } from "./transaction";

/** Value of a variable, or 0 when it has none. What changes is made anew, the rest is kept. */
export function lazyScalar(tx: Transaction, variable: u32): usize {
  if (variable >= V_MULTIPART_STRICT_ERROR && variable < V_MULTIPART_STRICT_ERROR + 14) {
    return number(tx, variable, <i64>(tx.multipart >> (variable - V_MULTIPART_STRICT_ERROR) & 1));
  }
  switch (variable) {
    case V_REQBODY_PROCESSOR:
      return processor(tx);
    case V_REQBODY_ERROR:
    case V_REQBODY_PROCESSOR_ERROR:
      return number(tx, variable, tx.bodyError ? 1 : 0);
    case V_URLENCODED_ERROR:
      return number(tx, variable, tx.urlError ? 1 : 0);
    case V_INBOUND_DATA_ERROR:
      return number(tx, variable, tx.bodyCut ? 1 : 0);
    case V_OUTBOUND_DATA_ERROR:
      return number(tx, variable, tx.responseCut ? 1 : 0);
    case V_ARGS_COMBINED_SIZE:
      return number(tx, variable, tx.argsBytes);
    case V_FILES_COMBINED_SIZE:
      return number(tx, variable, tx.filesBytes);
    case V_REQUEST_BODY_LENGTH:
      return number(tx, variable, tx.bodyLen);
    case V_FULL_REQUEST_LENGTH:
      return number(tx, variable, <i64>tx.headBytes + <i64>tx.bodyLen);
    case V_HIGHEST_SEVERITY:
      return number(tx, variable, tx.highest);
    case V_DURATION:
      return number(tx, variable, <i64>(tx.now - tx.started));
    case V_RESPONSE_STATUS:
      return tx.responseStatus == 0 ? 0 : keep(tx, variable, tx.responseStatus);
    case V_REMOTE_PORT:
      return keep(tx, variable, tx.remotePort);
    case V_SERVER_PORT:
      return keep(tx, variable, tx.localPort);
    case V_REMOTE_ADDR:
    case V_REMOTE_HOST:
    case V_USERAGENT_IP:
      return addressText(tx, variable, tx.remote);
    case V_SERVER_ADDR:
      return addressText(tx, variable, tx.local);
    case V_UNIQUE_ID:
      return uniqueId(tx);
    case V_MODSEC_BUILD:
      return keep(tx, variable, 30000000);
    default:
      return variable >= V_TIME && variable <= V_TIME_YEAR ? timeOf(tx, variable) : 0;
  }
}

function number(tx: Transaction, variable: u32, n: i64): usize {
  const at = decimal(tx, n);
  return at == 0 ? 0 : makeValue(tx, variable, 0, 0, at, decimalLen);
}

function keep(tx: Transaction, variable: u32, n: i64): usize {
  const at = decimal(tx, n);
  setScalar(tx, variable, at, decimalLen);
  return scalarOf(tx, variable);
}

const URLENCODED = memory.data<u8>([85, 82, 76, 69, 78, 67, 79, 68, 69, 68]);
const MULTIPART = memory.data<u8>([77, 85, 76, 84, 73, 80, 65, 82, 84]);
const XML = memory.data<u8>([88, 77, 76]);
const JSON_NAME = memory.data<u8>([74, 83, 79, 78]);

/** Always there, also when it is empty. */
function processor(tx: Transaction): usize {
  if (tx.processor == BODY_URLENCODED) return makeValue(tx, V_REQBODY_PROCESSOR, 0, 0, URLENCODED, 10);
  if (tx.processor == BODY_MULTIPART) return makeValue(tx, V_REQBODY_PROCESSOR, 0, 0, MULTIPART, 9);
  if (tx.processor == BODY_XML) return makeValue(tx, V_REQBODY_PROCESSOR, 0, 0, XML, 3);
  if (tx.processor == BODY_JSON) return makeValue(tx, V_REQBODY_PROCESSOR, 0, 0, JSON_NAME, 4);
  return makeValue(tx, V_REQBODY_PROCESSOR, 0, 0, XML, 0);
}

/** A number that no other transaction has, mixed so that its digits are spread, in hexadecimal. */
function uniqueId(tx: Transaction): usize {
  const at = txTake(tx, 32);
  if (at == 0) return 0;
  let x: u64 = tx.number * 0x9e3779b97f4a7c15 ^ <u64>tx.started * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  x ^= x >> 31;
  for (let i: u32 = 0; i < 16; i++) store<u8>(at + i, hexDigit(<u32>(x >> (i * 4)) & 15));
  setScalar(tx, V_UNIQUE_ID, at, 16);
  return scalarOf(tx, V_UNIQUE_ID);
}

function hexDigit(d: u32): u8 {
  return <u8>(d < 10 ? 48 + d : 87 + d);
}

/** Text of an address of 16 bytes: IPv4 when it is mapped, else eight groups (without the shortest form's "::"). */
function addressText(tx: Transaction, variable: u32, address: usize): usize {
  if (address == 0) return 0;
  const at = txTake(tx, 48);
  if (at == 0) return 0;
  let n: u32 = 0;
  if (load<u64>(address) == 0 && load<u32>(address, 8) == 0xffff0000) {
    for (let i: u32 = 0; i < 4; i++) {
      if (i > 0) store<u8>(at + n++, 46);
      const b = <u32>load<u8>(address + 12 + i);
      if (b >= 100) store<u8>(at + n++, <u8>(48 + b / 100));
      if (b >= 10) store<u8>(at + n++, <u8>(48 + b / 10 % 10));
      store<u8>(at + n++, <u8>(48 + b % 10));
    }
  } else {
    for (let i: u32 = 0; i < 8; i++) {
      if (i > 0) store<u8>(at + n++, 58);
      const group = <u32>load<u8>(address + i * 2) << 8 | <u32>load<u8>(address + i * 2 + 1);
      if (group >= 0x1000) store<u8>(at + n++, hexDigit(group >> 12));
      if (group >= 0x100) store<u8>(at + n++, hexDigit(group >> 8 & 15));
      if (group >= 0x10) store<u8>(at + n++, hexDigit(group >> 4 & 15));
      store<u8>(at + n++, hexDigit(group & 15));
    }
  }
  setScalar(tx, variable, at, n);
  return scalarOf(tx, variable);
}

/** Times are in UTC. Days to dates as in Hinnant's civil_from_days. */
function timeOf(tx: Transaction, variable: u32): usize {
  const seconds = <i64>(tx.started / 1000);
  const days = seconds / 86400;
  const rest = seconds % 86400;
  if (variable == V_TIME_EPOCH) return keep(tx, variable, seconds);
  if (variable == V_TIME_HOUR) return keep(tx, variable, rest / 3600);
  if (variable == V_TIME_MIN) return keep(tx, variable, rest / 60 % 60);
  if (variable == V_TIME_SEC) return keep(tx, variable, rest % 60);
  if (variable == V_TIME_WDAY) return keep(tx, variable, (days + 4) % 7);
  if (variable == V_TIME) {
    const at = txTake(tx, 8);
    if (at == 0) return 0;
    two(at, rest / 3600);
    store<u8>(at + 2, 58);
    two(at + 3, rest / 60 % 60);
    store<u8>(at + 5, 58);
    two(at + 6, rest % 60);
    setScalar(tx, variable, at, 8);
    return scalarOf(tx, variable);
  }
  const z = days + 719468;
  const era = z / 146097;
  const doe = z - era * 146097;
  const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const mp = (5 * doy + 2) / 153;
  const month = mp < 10 ? mp + 3 : mp - 9;
  if (variable == V_TIME_DAY) return keep(tx, variable, doy - (153 * mp + 2) / 5 + 1);
  if (variable == V_TIME_MON) return keep(tx, variable, month - 1);
  return keep(tx, variable, yoe + era * 400 + (month <= 2 ? 1 : 0));
}

function two(at: usize, n: i64): void {
  store<u8>(at, <u8>(48 + n / 10));
  store<u8>(at + 1, <u8>(48 + n % 10));
}
