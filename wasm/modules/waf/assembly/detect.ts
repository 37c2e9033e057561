// What one value looks like, apart from SQL: signatures, markup, paths, shell commands, templates, URLs.

import { scan } from "../../../sdk/assembly/aho";
import {
  equalsFold,
  findByte,
  findFold,
  inWords,
  isAlpha,
  isDigit,
  isSpace,
  isWord,
  lower,
  reserve,
  startsFold,
} from "../../../sdk/assembly/bytes";
import { changed, htmlDecode, urlDecode } from "../../../sdk/assembly/decode";
import { automaton, patternLen, patternPlaces, patternRule } from "../../../sdk/assembly/signatures";
import {
  PLACE_VALUE,
  RULE_9100102,
  RULE_9100103,
  RULE_9100201,
  RULE_9100204,
  RULE_9100205,
  RULE_9100302,
  RULE_9100401,
  RULE_9100403,
  RULE_9100501,
  RULE_9100502,
  RULE_9100701,
} from "./generated/rules";
import { T_HTML, T_URL, T_URL_TWICE, currentTransforms, hit, setTransforms } from "./score";
import { inspectSql } from "./sql";

/** Longest value; longer ones are cut. */
const VALUE_MAX: u32 = 32768;
const scratch = reserve(VALUE_MAX);

let places: u32 = 0;
let scanned: usize = 0;

/** Runs the signatures of those places over bytes. */
export function inspectSignatures(place: u32, ptr: usize, len: u32): void {
  places = place;
  scanned = ptr;
  scan(automaton, 0, ptr, len, onMatch);
}

function onMatch(pattern: u32, end: u32): void {
  if ((patternPlaces(pattern) & places) == 0) return;
  const len = patternLen(pattern);
  const at = scanned + end - len;
  const rule = patternRule(pattern);
  // A method of that name, as in `regex.exec('x')`, is no function of PHP.
  if (rule == RULE_9100501 && at > scanned && load<u8>(at - 1) == 46) return;
  hit(rule, at, len);
}

/**
 * Inspects a value in every form that it takes under decoding.
 * @param more places besides "value" whose signatures count
 */
export function inspectValue(ptr: usize, len: u32, more: u32 = 0): void {
  if (len == 0) return;
  const size = min(len, VALUE_MAX);
  inspectForm(ptr, size, more);
  const before = currentTransforms();
  let from = ptr;
  let n = size;
  if (findByte(ptr, size, 37) >= 0) {
    const decoded = urlDecode(ptr, size, scratch, false);
    if (changed()) {
      from = scratch;
      n = decoded;
      setTransforms(before | ((before & T_URL) != 0 ? T_URL_TWICE : T_URL));
      inspectForm(scratch, n, more);
    }
  }
  if (findByte(from, n, 38) >= 0) {
    n = htmlDecode(from, n, scratch);
    if (changed()) {
      setTransforms(currentTransforms() | T_HTML);
      inspectForm(scratch, n, more);
    }
  }
  setTransforms(before);
}

function inspectForm(ptr: usize, len: u32, more: u32): void {
  inspectSignatures(PLACE_VALUE | more, ptr, len);
  inspectSql(ptr, len);
  inspectMarkup(ptr, len);
  inspectTraversal(ptr, len);
  inspectShell(ptr, len);
  inspectTemplate(ptr, len);
  inspectUrl(ptr, len);
  inspectPhpObject(ptr, len);
  const nul = findByte(ptr, len, 0);
  if (nul >= 0) hit(RULE_9100204, ptr, len);
}

// ---- markup

const HANDLERS =
  "abort afterprint animation auxclick before begin blur cancel canplay change click close contextmenu " +
  "copy cuechange cut dblclick drag drop " +
  "durationchange ended end error finish focus formdata fullscreen gotpointer hashchange input invalid " +
  "key load lostpointer message mouse move offline " +
  "online open page paste pause play pointer pop progress ratechange readystatechange repeat reset " +
  "resize scroll search seek select show start stalled " +
  "storage submit suspend timeupdate toggle touch transition unhandled unload volumechange waiting webkit wheel";

/** Whether the letters after "on" begin with the name of an event. */
function isHandler(ptr: usize, len: u32): bool {
  for (let n: u32 = 3; n <= len; n++) {
    if (inWords(ptr, n, HANDLERS)) return true;
  }
  return false;
}

function inspectMarkup(ptr: usize, len: u32): void {
  let inTag = false;
  let quoted = false;
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = lower(load<u8>(ptr + i));
    if (c == 60)
      inTag = i + 1 < len && (isAlpha(load<u8>(ptr + i + 1)) || load<u8>(ptr + i + 1) == 47 || load<u8>(ptr + i + 1) == 33);
    if (c == 34 || c == 39 || c == 96) quoted = true;
    if (c == 106) inspectScriptUrl(ptr, len, i);
    if (c != 111 || !(inTag || quoted) || i == 0 || i + 5 > len || lower(load<u8>(ptr + i + 1)) != 110) continue;
    const before: u32 = load<u8>(ptr + i - 1);
    if (!(before <= 32 || before == 34 || before == 39 || before == 47 || before == 96 || before == 0xa0)) continue;
    let k = i + 2;
    while (k < len && isAlpha(load<u8>(ptr + k))) k++;
    const name = k;
    while (k < len && load<u8>(ptr + k) <= 32) k++;
    if (k < len && load<u8>(ptr + k) == 61 && name - i > 4 && isHandler(ptr + i + 2, name - i - 2)) {
      hit(RULE_9100102, ptr + i, len - i);
      return;
    }
  }
}

/** `javascript:` (white space inside does not matter to browsers) followed by something that runs. */
function inspectScriptUrl(ptr: usize, len: u32, at: u32): void {
  const word = "javascript:";
  let i = at;
  for (let n = 0; n < word.length; n++) {
    while (i < len && n > 0 && load<u8>(ptr + i) < 32) i++;
    if (i >= len || lower(load<u8>(ptr + i)) != <u32>word.charCodeAt(n)) return;
    i++;
  }
  while (i < len && isSpace(load<u8>(ptr + i))) i++;
  let letters: u32 = 0;
  while (i < len) {
    const c: u32 = load<u8>(ptr + i);
    if (c == 40 || c == 96 || c == 61) {
      hit(RULE_9100103, ptr + at, len - at);
      return;
    }
    if (c == 32) return;
    if (++letters > 200) return;
    i++;
  }
}

// ---- paths

function isSlash(c: u32): bool {
  return c == 47 || c == 92;
}

/** Steps up in a path: two or more, or one that climbs out of the root. */
export function inspectTraversal(ptr: usize, len: u32): void {
  let steps: u32 = 0;
  let first: u32 = 0;
  for (let i: u32 = 0; i + 2 < len; i++) {
    if (load<u8>(ptr + i) != 46 || load<u8>(ptr + i + 1) != 46 || !isSlash(load<u8>(ptr + i + 2))) continue;
    if (i > 0 && !isSlash(load<u8>(ptr + i - 1)) && (isWord(load<u8>(ptr + i - 1)) || load<u8>(ptr + i - 1) == 46)) continue;
    if (steps++ == 0) first = i;
    i += 2;
  }
  if (steps >= 2) hit(RULE_9100201, ptr + first, len - first);
  else if (steps == 1) hit(RULE_9100205, ptr + first, len - first);
}

// ---- shell

/** Commands that are hardly a word of prose, and commands that are. */
const COMMANDS =
  "ls id whoami uname wget curl nc ncat netcat bash sh zsh ksh dash python python2 python3 perl ruby " +
  "php ifconfig netstat ipconfig ping nslookup " +
  "tracert traceroute chmod chown passwd pwd ps env powershell cmd tasklist certutil systeminfo awk sed " +
  "grep egrep xxd base64 tftp scp ssh telnet crontab " +
  "useradd adduser mkfifo busybox rm cp mv dir ifdown lsof getent printenv hostname";
const PROSE_COMMANDS =
  "cat head tail more less find echo sleep sort kill touch type net date who last tee cut host export " +
  "eval exec source reboot shutdown";

function isSeparator(c: u32): bool {
  return c == 59 || c == 124 || c == 38;
}

/** The command at `i`: 0 none, 1 a prose word, 2 a command, 3 one with its path. Its end is in `commandEnd`. */
function commandAt(ptr: usize, len: u32, i: u32): u32 {
  let k = i;
  let base = i;
  while (k < len) {
    const c: u32 = load<u8>(ptr + k);
    // Quotes and backslashes inside a word do not matter to a shell.
    if (c == 47) base = k + 1;
    else if (!(isWord(c) || c == 46)) break;
    k++;
  }
  commandEnd = k;
  if (k == base) return 0;
  const pathed = base > i && load<u8>(ptr + i) == 47;
  const known = inWords(ptr + base, k - base, COMMANDS);
  if (!known && !inWords(ptr + base, k - base, PROSE_COMMANDS)) return 0;
  return pathed ? 3 : known ? 2 : 1;
}

let commandEnd: u32 = 0;

/** Whether what follows the command looks like an argument or an end, rather than like prose. */
function looksCalled(ptr: usize, len: u32, at: u32, rank: u32): bool {
  if (rank == 3) return true;
  let i = at;
  if (i >= len) return rank == 2;
  const c: u32 = load<u8>(ptr + i);
  if (isSeparator(c) || c == 41 || c == 96 || c == 10 || c == 35 || c == 60 || c == 62 || c == 36) return rank == 2 || c != 41;
  if (c != 32 && c != 9 && c != 43) return false;
  while (i < len && (load<u8>(ptr + i) == 32 || load<u8>(ptr + i) == 9 || load<u8>(ptr + i) == 43)) i++;
  if (i >= len) return rank == 2;
  const d: u32 = load<u8>(ptr + i);
  if (d == 45) return i + 1 < len && isWord(load<u8>(ptr + i + 1));
  if (d == 47 || d == 36 || d == 126 || d == 62 || d == 60) return true;
  // A drive.
  if (i + 2 < len && load<u8>(ptr + i + 1) == 58 && load<u8>(ptr + i + 2) == 92) return true;
  if (startsFold(ptr + i, len - i, "http") || startsFold(ptr + i, len - i, "../")) return true;
  if (rank == 2) return isDigit(d) || d == 39 || d == 34 || isSeparator(d) || d == 35;
  // `sleep 5`, `echo 'x`: a number or quote makes it a command when the value is short.
  return (isDigit(d) || d == 39 || d == 34) && len < 64;
}

function inspectShell(ptr: usize, len: u32): void {
  for (let i: u32 = 0; i < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    const dollar = c == 36 && i + 1 < len && load<u8>(ptr + i + 1) == 40;
    if (!isSeparator(c) && !dollar && c != 96 && !(c == 10 && len < 128)) continue;
    let k = dollar ? i + 2 : i + 1;
    while (k < len && (isSeparator(load<u8>(ptr + k)) || isSpace(load<u8>(ptr + k)))) k++;
    const rank = commandAt(ptr, len, k);
    if (rank == 0) continue;
    const end = commandEnd;
    if (dollar) {
      if (rank >= 2 || looksCalled(ptr, len, end, rank)) hit(RULE_9100403, ptr + i, len - i);
    } else if (c == 96) {
      // Text about code has commands in backticks too: count it when there is little else.
      const close = findByte(ptr, len, 96, end);
      if (close >= 0 && rank >= 2 && looksCalled(ptr, len, end, rank) && i + (len - 1 - <u32>close) < 16)
        hit(RULE_9100403, ptr + i, len - i);
    } else if (looksCalled(ptr, len, end, rank)) {
      hit(RULE_9100401, ptr + i, len - i);
    }
    if (k > i + 1) i = k - 1;
  }
}

// ---- templates

/** `{{7*7}}`, `${7*7}`, `#{7*7}`, `<%= 7*7 %>`: a product inside of template marks. */
function inspectTemplate(ptr: usize, len: u32): void {
  for (let i: u32 = 0; i + 3 < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    const d: u32 = load<u8>(ptr + i + 1);
    if (!((c == 123 && d == 123) || ((c == 36 || c == 35 || c == 42 || c == 64) && d == 123))) continue;
    let k = i + 2;
    while (k < len && (isSpace(load<u8>(ptr + k)) || load<u8>(ptr + k) == 39 || load<u8>(ptr + k) == 34)) k++;
    const digits = k;
    while (k < len && isDigit(load<u8>(ptr + k))) k++;
    if (k == digits) continue;
    while (k < len && (load<u8>(ptr + k) == 39 || load<u8>(ptr + k) == 34 || isSpace(load<u8>(ptr + k)))) k++;
    if (k + 1 < len && (load<u8>(ptr + k) == 42 || load<u8>(ptr + k) == 43 || load<u8>(ptr + k) == 45)) {
      hit(RULE_9100701, ptr + i, len - i);
      return;
    }
  }
}

// ---- URLs

/** A value that is a URL to a script, a text or an address, as remote file inclusion uses it. */
function inspectUrl(ptr: usize, len: u32): void {
  let host: u32 = 0;
  if (startsFold(ptr, len, "http://")) host = 7;
  else if (startsFold(ptr, len, "https://")) host = 8;
  else if (startsFold(ptr, len, "ftp://")) host = 6;
  else return;
  let k = host;
  let numeric = true;
  while (k < len && load<u8>(ptr + k) != 47 && load<u8>(ptr + k) != 58 && load<u8>(ptr + k) != 63) {
    const c: u32 = load<u8>(ptr + k);
    if (!isDigit(c) && c != 46) numeric = false;
    k++;
  }
  const question = load<u8>(ptr + len - 1) == 63;
  const script =
    findFold(ptr, len, ".php", k) >= 0 ||
    findFold(ptr, len, ".txt", k) >= 0 ||
    findFold(ptr, len, ".jsp", k) >= 0 ||
    findFold(ptr, len, ".asp", k) >= 0 ||
    findFold(ptr, len, ".sh", k) >= 0;
  if ((question && (script || numeric)) || (numeric && k > host && script)) hit(RULE_9100302, ptr, len);
}

// ---- PHP objects

/** `O:8:"stdClass":1:{`. */
function inspectPhpObject(ptr: usize, len: u32): void {
  for (let i: u32 = 0; i + 5 < len; i++) {
    const c: u32 = load<u8>(ptr + i);
    if ((c != 79 && c != 67) || load<u8>(ptr + i + 1) != 58 || (i > 0 && isWord(load<u8>(ptr + i - 1)))) continue;
    let k = i + 2;
    if (load<u8>(ptr + k) == 43) k++;
    const digits = k;
    while (k < len && isDigit(load<u8>(ptr + k))) k++;
    if (k > digits && k + 2 < len && load<u8>(ptr + k) == 58 && load<u8>(ptr + k + 1) == 34) {
      hit(RULE_9100502, ptr + i, len - i);
      return;
    }
  }
}

/** Whether a name of an uploaded file ends like a script. */
export function isScriptName(ptr: usize, len: u32): bool {
  let dot = len;
  while (dot > 0 && load<u8>(ptr + dot - 1) != 46) dot--;
  if (dot == 0) return false;
  return inWords(ptr + dot, len - dot, "php php3 php4 php5 php7 phtml phar jsp jspx asp aspx ashx cgi pl war");
}

/** Whether a JSON key is an operator of a document database. */
export function isNoSqlOperator(ptr: usize, len: u32): bool {
  return (
    len > 2 && load<u8>(ptr) == 36 && inWords(ptr + 1, len - 1, "ne gt gte lt lte in nin regex where exists or and not expr")
  );
}

export function isProto(ptr: usize, len: u32): bool {
  return equalsFold(ptr, len, "__proto__");
}
