// SQL injection by tokens. A value is read as SQL three times: as it is (it may land beside a number), after its first single
// quote and after its first double quote (it may land inside a string, and break out there). What counts is then not words but
// their order: a logical operator right after the break, constants compared with each other, a SELECT behind a UNION with what
// a select list begins with. Prose has the words, and hardly ever the order.

import { equalsFold, findByte, inWords, isAlpha, isSpace, isWord, lower } from "../../../sdk/assembly/bytes";
import {
  RULE_9100001,
  RULE_9100002,
  RULE_9100003,
  RULE_9100004,
  RULE_9100005,
  RULE_9100009,
  RULE_9100010,
  RULE_9100011,
} from "./generated/rules";
import { hit } from "./score";
import {
  END,
  NUMBER,
  STRING,
  NAME,
  LOGIC,
  COMPARE,
  ARITH,
  OPEN,
  CLOSE,
  COMMA,
  SEMI,
  COMMENT,
  UNION,
  SELECT,
  VERB,
  FROM,
  WHERE,
  ORDER,
  BY,
  HAVING,
  ALL,
  LITERAL,
  VARIABLE,
  FUNCTION,
  INTO,
  SET,
  NOT,
  OBJECT,
  STAR,
  DOT,
  broken,
  count,
  kind,
  size,
  start,
  text,
  textLen,
  tokenize,
} from "./sql-tokens";

// @ts-ignore: decorator
@inline function isConstant(k: u32): bool {
  return k == NUMBER || k == STRING || k == LITERAL || k == VARIABLE;
}

// @ts-ignore: decorator
@inline function isOperand(k: u32): bool {
  return isConstant(k) || k == NAME || k == FUNCTION;
}

/** Past brackets, signs and NOT. */
function skipPrefix(i: u32): u32 {
  while (true) {
    const k = kind(i);
    if (k != OPEN && k != ARITH && k != NOT && k != ALL) return i;
    i++;
  }
}

function skipClose(i: u32): u32 {
  while (kind(i) == CLOSE) i++;
  return i;
}

function sameText(a: u32, b: u32): bool {
  if (size(a) != size(b)) return false;
  for (let i: u32 = 0; i < size(a); i++) {
    if (lower(load<u8>(text + start(a) + i)) != lower(load<u8>(text + start(b) + i))) return false;
  }
  return true;
}

function isWordAt(i: u32, word: string): bool {
  return i < count && equalsFold(text + start(i), size(i), word);
}

function report(rule: u32, from: u32): void {
  const at = from < count ? start(from) : 0;
  hit(rule, text + at, textLen - at);
}

/** Whether a select list begins at token i that prose would not have. */
function isSelectList(i: u32, strict: bool): bool {
  while (kind(i) == ALL || kind(i) == OPEN || kind(i) == ARITH) i++;
  const k = kind(i);
  if (isConstant(k) || k == STAR || k == FUNCTION) return true;
  if (k != NAME && k != OBJECT) return false;
  i++;
  while (kind(i) == DOT) i += 2;
  if (kind(i) == COMMA) return true;
  return !strict && kind(i) == FROM && (kind(i + 1) == NAME || kind(i + 1) == OBJECT);
}

function checkLogic(i: u32, first: u32): void {
  const j = skipPrefix(i + 1);
  const left = kind(j);
  const atBreak = broken && i == first;
  if (kind(i + 1) == OPEN && kind(skipPrefix(i + 1)) == SELECT && (broken || i <= 2) && isSelectList(j + 1, false)) {
    report(RULE_9100011, i);
    return;
  }
  if (!isOperand(left)) return;
  if (atBreak && left == FUNCTION) {
    report(RULE_9100002, i);
    return;
  }
  let k = j + 1;
  while (kind(k) == DOT) k += 2;
  k = skipClose(k);
  if (kind(k) == NOT) k++;
  if (kind(k) == COMPARE) {
    const m = skipPrefix(kind(k + 1) == COMPARE ? k + 2 : k + 1);
    const right = kind(m);
    if (isConstant(left) && isConstant(right)) {
      // Outside of a string, only right behind one plain value, or when both sides are equal.
      let plain: u32 = 0;
      for (let n: u32 = 0; n < i; n++) plain += kind(n) == OPEN || kind(n) == CLOSE || kind(n) == ARITH ? 0 : 1;
      if (broken || plain <= 1 || sameText(j, m)) report(RULE_9100002, i);
    } else if (atBreak && isOperand(right)) {
      report(RULE_9100002, i);
    }
    return;
  }
  const next = kind(k);
  if (atBreak && isConstant(left) && (next == END || next == COMMENT || next == LOGIC || next == SEMI)) {
    report(RULE_9100002, i);
  } else if (!broken && i == 1 && kind(0) == NUMBER && isConstant(left) && (next == COMMENT || (next == END && sameText(0, j)))) {
    report(RULE_9100002, i);
  }
}

function checkUnion(i: u32): void {
  let j = i + 1;
  while (kind(j) == ALL || kind(j) == OPEN) j++;
  if (kind(j) != SELECT) return;
  const before = i == 0 ? END : kind(i - 1);
  const loose = broken || before == NUMBER || before == CLOSE || before == STRING || before == COMMENT || i == 0;
  if (isSelectList(j + 1, !loose) || (loose && kind(j + 1) == END && i > 0)) report(RULE_9100001, i);
}

function checkStatement(i: u32, stacked: bool): void {
  const k = kind(i);
  const next = kind(i + 1);
  let found = false;
  if (k == SELECT) {
    found = stacked ? isSelectList(i + 1, false) : false;
  } else if (isWordAt(i, "waitfor")) {
    found = stacked && isWordAt(i + 1, "delay");
  } else if (k == VERB) {
    if (inWords(text + start(i), size(i), "drop truncate alter create")) found = stacked && next == OBJECT;
    else if (isWordAt(i, "insert")) found = next == INTO && (stacked || kind(i + 3) == OPEN);
    else if (isWordAt(i, "delete")) found = next == FROM && (stacked || (kind(i + 3) == WHERE && kind(i + 5) == COMPARE));
    else if (isWordAt(i, "update")) found = kind(i + 2) == SET && (stacked || kind(i + 4) == COMPARE);
    else if (isWordAt(i, "declare")) found = next == VARIABLE;
    else if (isWordAt(i, "shutdown"))
      found = stacked && (next == END || next == COMMENT || next == SEMI || isWordAt(i + 1, "with"));
    else if (inWords(text + start(i), size(i), "exec execute"))
      found = stacked && (next == NAME || next == VARIABLE || next == FUNCTION || next == OPEN);
  }
  if (found) report(stacked ? RULE_9100003 : RULE_9100009, i);
}

/** `select … from name` with a list that prose would not have. */
function checkSelect(i: u32): void {
  let j = i + 1;
  while (kind(j) == ALL) j++;
  const strong =
    kind(j) == STAR ||
    (kind(j) == FUNCTION && kind(j + 1) == OPEN) ||
    kind(j) == VARIABLE ||
    (kind(j) == NAME && kind(j + 1) == COMMA);
  if (!strong) return;
  for (let n = j; n < min(j + 32, count); n++) {
    if (kind(n) == FROM && (kind(n + 1) == NAME || kind(n + 1) == OBJECT || kind(n + 1) == OPEN)) {
      // "select a, b from c" could still be prose: a list of two plain words is not enough by itself.
      if (kind(j) != NAME || kind(n + 2) == WHERE || kind(n + 2) == END || kind(n + 2) == SEMI || kind(n + 2) == COMMENT)
        report(RULE_9100009, i);
      return;
    }
  }
}

function checkTokens(): void {
  const first = skipClose(0);
  if (broken && kind(first) == COMMENT) {
    // A comment that ends the query has next to nothing behind it; a dash in prose has.
    const mark: u32 = load<u8>(text + start(first)) == 35 ? 1 : 2;
    let rest: u32 = 0;
    for (let i = mark; i < size(first); i++) rest += isSpace(load<u8>(text + start(first) + i)) ? 0 : 1;
    if (rest <= 3 && !(mark == 1 && rest > 0)) report(RULE_9100005, first);
  }
  if (broken && kind(first) == SEMI && kind(first + 1) == COMMENT) report(RULE_9100005, first);
  if (
    broken &&
    kind(0) == COMPARE &&
    !isAlpha(load<u8>(text + start(0))) &&
    (kind(1) == STRING || kind(1) == NUMBER) &&
    textLen < 24
  )
    report(RULE_9100002, 0);
  for (let i: u32 = 0; i < count; i++) {
    switch (kind(i)) {
      case LOGIC:
        checkLogic(i, first);
        break;
      case UNION:
        checkUnion(i);
        break;
      case SEMI:
        checkStatement(i + 1, true);
        break;
      case VERB:
        checkStatement(i, broken && i == first);
        break;
      case SELECT: {
        const before = i == 0 ? END : kind(i - 1);
        if (before == OPEN) {
          const outer = i >= 2 ? kind(i - 2) : END;
          const injected =
            outer == LOGIC ||
            outer == COMPARE ||
            outer == ARITH ||
            outer == OPEN ||
            outer == COMMA ||
            outer == NUMBER ||
            outer == FUNCTION ||
            (outer == END && broken);
          // A value that is nothing but a subquery: a constant or * and a FROM are asked for.
          const whole = i == 1 && !broken && kind(2) != NAME && kind(2) != ALL && isSelectList(2, true) && kind(3) == FROM;
          if (whole || (injected && isSelectList(i + 1, false))) report(RULE_9100011, i - 1);
        }
        checkSelect(i);
        break;
      }
      case FUNCTION: {
        if (!isWordAt(i, "sleep") && !isWordAt(i, "benchmark")) break;
        const before = i == 0 ? END : kind(i - 1);
        const injected =
          before == LOGIC ||
          before == OPEN ||
          before == COMMA ||
          before == ARITH ||
          before == SELECT ||
          before == COMPARE ||
          before == NUMBER ||
          (before == SEMI && (broken || i <= 2)) ||
          (i == first && broken);
        const alone = i == 0 && kind(2) == NUMBER && skipClose(3) == count;
        if (injected || alone) report(RULE_9100004, i);
        break;
      }
      case ORDER: {
        if (kind(i + 1) != BY || kind(i + 2) != NUMBER) break;
        const after = kind(i + 3);
        const before = i == 0 ? END : kind(i - 1);
        if (broken ? i == first || after == COMMENT : (before == NUMBER || before == CLOSE) && after == COMMENT)
          report(RULE_9100010, i);
        break;
      }
      case HAVING:
        if (isConstant(kind(i + 1)) && kind(i + 2) == COMPARE && isConstant(kind(i + 3))) report(RULE_9100010, i);
        break;
    }
  }
}

/** Looks for SQL injection in a value. */
export function inspectSql(ptr: usize, len: u32): void {
  let plain = true;
  for (let i: u32 = 0; i < len && plain; i++) {
    const c: u32 = load<u8>(ptr + i);
    plain = isWord(c) || c == 45 || c == 46;
  }
  if (plain || len < 3) return;
  tokenize(ptr, len, 0, false);
  checkTokens();
  const single = findByte(ptr, len, 39);
  if (single >= 0) {
    tokenize(ptr, len, <u32>single + 1, true);
    checkTokens();
  }
  const double = findByte(ptr, len, 34);
  if (double >= 0) {
    tokenize(ptr, len, <u32>double + 1, true);
    checkTokens();
  }
}
