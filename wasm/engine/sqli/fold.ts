// Folds tokens until five are left that say what the text does: words merge to phrases, what changes nothing goes. The rules are
// tried on two neighbours, then on three; after a fold they begin anew from the left.

import { nextToken } from "./lexer";
import { keywordType } from "./lookup";
import {
  BACKSLASH, BAREWORD, COLLATE, COLON, COMMA, COMMENT, DOT, EVIL, EXPRESSION, FUNCTION, GROUP, KEYWORD, LEFT_BRACE, LEFT_PAREN,
  LOGIC, NONE, NUMBER, OPERATOR, RIGHT_BRACE, RIGHT_PAREN, SEMICOLON, SQL_TYPE, STRING, TOKEN_BYTES, TSQL, UNION, VARIABLE,
  assign, charOf, copyToken, isArithmetic, isUnary, isWord, lengthOf, setType, startsWith, typeOf,
} from "./token";

export const MAX_TOKENS: u32 = 5;

/** What a rule did. */
const NOTHING: u32 = 0;
const FOLDED: u32 = 1;
const HOPELESS: u32 = 2;

/** Five tokens, and those that were read to judge the fifth. */
const tokens: usize = memory.data((8 + 1) * 48, 16);
const lastComment: usize = tokens + 8 * TOKEN_BYTES;
const phrase: usize = memory.data(48, 16);
const PHRASE_MAX: u32 = 31;

/** Where the next token goes. */
let count: u32 = 0;
/** So many tokens on the left are done. */
let done: u32 = 0;
let more: bool = false;

// @ts-ignore: decorator
@inline export function tokenAt(n: u32): usize {
  return tokens + n * TOKEN_BYTES;
}
// @ts-ignore: decorator
@inline function kind(n: u32): u32 {
  return typeOf(tokenAt(n));
}

/** Folds the text that the lexer is at the beginning of. How many tokens there are: at most five. */
export function fold(): u32 {
  count = 0;
  done = 0;
  setType(lastComment, NONE);
  if (!skipOpening()) return 0;
  count = 1;
  for (;;) {
    if (count >= MAX_TOKENS && isIdleFive()) {
      if (count > MAX_TOKENS) copyToken(tokenAt(1), tokenAt(MAX_TOKENS));
      count = count > MAX_TOKENS ? 2 : 1;
      done = 0;
    }
    if (!more || done >= MAX_TOKENS) {
      done = count;
      break;
    }
    readUntil(2);
    if (count - done < 2) {
      done = count;
      continue;
    }
    const pair = foldPair();
    if (pair == FOLDED) continue;
    if (pair == HOPELESS) return done + 2;
    readUntil(3);
    if (count - done < 3) {
      done = count;
      continue;
    }
    if (!foldThree()) done++;
  }
  if (done < MAX_TOKENS && typeOf(lastComment) == COMMENT) {
    copyToken(tokenAt(done), lastComment);
    done++;
  }
  return min(done, MAX_TOKENS);
}

/** Passes comments, parentheses, types and signs, up to the first token that counts. */
function skipOpening(): bool {
  const first = tokenAt(0);
  do {
    more = nextToken(first);
    const type = typeOf(first);
    if (type != COMMENT && type != LEFT_PAREN && type != SQL_TYPE && !isUnary(first)) break;
  } while (more);
  return more;
}

/** Reads on until so many tokens are not done yet. */
function readUntil(wanted: u32): void {
  while (more && count <= MAX_TOKENS && count - done < wanted) {
    const token = tokenAt(count);
    more = nextToken(token);
    if (!more) return;
    if (typeOf(token) == COMMENT) {
      copyToken(lastComment, token);
    } else {
      setType(lastComment, NONE);
      count++;
    }
  }
}

/** 1 o ( 1 )   n o ( n )   n o ( 1 )   1 ) , ( 1   n ) o ( n */
function isIdleFive(): bool {
  const a = kind(0);
  const b = kind(1);
  const c = kind(2);
  const d = kind(3);
  const e = kind(4);
  if (c == LEFT_PAREN && e == RIGHT_PAREN) {
    if (a == NUMBER) return (b == OPERATOR || b == COMMA) && d == NUMBER;
    return a == BAREWORD && b == OPERATOR && (d == BAREWORD || d == NUMBER);
  }
  if (b != RIGHT_PAREN || d != LEFT_PAREN) return false;
  return (a == NUMBER && c == COMMA && e == NUMBER) || (a == BAREWORD && c == OPERATOR && e == BAREWORD);
}

/** So many tokens less; begins anew. */
// @ts-ignore: decorator
@inline function drop(tokens: u32): u32 {
  count -= tokens;
  done = 0;
  return FOLDED;
}

/** One token less; goes back by one. */
// @ts-ignore: decorator
@inline function dropBack(): u32 {
  count--;
  if (done > 0) done--;
  return FOLDED;
}

/** One token less; the one before it stays the one to judge. */
// @ts-ignore: decorator
@inline function dropHere(): u32 {
  count--;
  return FOLDED;
}

function foldPair(): u32 {
  const left = tokenAt(done);
  const right = left + TOKEN_BYTES;
  const a = typeOf(left);
  const b = typeOf(right);
  if (a == b && (a == STRING || a == SEMICOLON)) return dropHere();
  if ((a == OPERATOR || a == LOGIC) && (b == SQL_TYPE || isUnary(right))) return drop(1);
  if (a == LEFT_PAREN && isUnary(right)) return dropBack();
  if (mergeWords(left, a, right, b)) return dropBack();
  if (a == SEMICOLON) {
    if (b == FUNCTION && startsWith(right, "IF")) { // without parentheses in Transact-SQL
      setType(right, TSQL);
      return FOLDED;
    }
  } else if (a == BAREWORD || a == VARIABLE) {
    if (b == LEFT_PAREN && isNameOfFunction(left)) {
      setType(left, FUNCTION);
      return FOLDED;
    }
  } else if (a == KEYWORD) {
    if (isWord(left, "IN") || isWord(left, "NOT IN")) {
      setType(left, b == LEFT_PAREN ? OPERATOR : BAREWORD);
      return FOLDED;
    }
  } else if (a == OPERATOR) {
    if (isWord(left, "LIKE") || isWord(left, "NOT LIKE")) {
      if (b == LEFT_PAREN) setType(left, FUNCTION);
      return NOTHING;
    }
  } else if (a == SQL_TYPE) {
    if (isValue(b) || b == SQL_TYPE || b == LEFT_PAREN || b == FUNCTION) {
      copyToken(left, right);
      return drop(1);
    }
  } else if (a == COLLATE) {
    if (b == BAREWORD) {
      if (hasUnderscore(right)) { // a collation, of which there are many
        setType(right, SQL_TYPE);
        done = 0;
      }
      return NOTHING;
    }
  } else if (a == BACKSLASH) {
    if (isArithmetic(right)) {
      setType(left, NUMBER);
      return drop(0);
    }
    copyToken(left, right);
    return drop(1);
  } else if (a == LEFT_PAREN || a == RIGHT_PAREN) {
    if (a == b) return drop(1);
  } else if (a == LEFT_BRACE) {
    if (b == BAREWORD) {
      if (lengthOf(right) == 0) { // {``.``.id} of MySQL
        setType(right, EVIL);
        return HOPELESS;
      }
      return drop(2); // {word expression}
    }
  }
  return b == RIGHT_BRACE ? drop(1) : NOTHING;
}

/** A bare word, number, variable or string. */
// @ts-ignore: decorator
@inline function isValue(type: u32): bool {
  return type == BAREWORD || type == NUMBER || type == VARIABLE || type == STRING;
}

/** Names that are columns as often as functions. */
function isNameOfFunction(token: usize): bool {
  return (
    isWord(token, "USER_ID") || isWord(token, "USER_NAME") || isWord(token, "DATABASE") || isWord(token, "PASSWORD") ||
    isWord(token, "USER") || isWord(token, "CURRENT_USER") || isWord(token, "CURRENT_DATE") || isWord(token, "CURRENT_TIME") ||
    isWord(token, "CURRENT_TIMESTAMP") || isWord(token, "LOCALTIME") || isWord(token, "LOCALTIMESTAMP")
  );
}

function hasUnderscore(token: usize): bool {
  let n: u32 = 0;
  while (charOf(token, n) != 0 && charOf(token, n) != 0x5f) n++;
  return charOf(token, n) == 0x5f;
}

// @ts-ignore: decorator
@inline function isPartOfPhrase(type: u32): bool {
  return (
    type == KEYWORD || type == BAREWORD || type == OPERATOR || type == UNION || type == FUNCTION || type == EXPRESSION ||
    type == TSQL || type == SQL_TYPE
  );
}

/** UNION and ALL to UNION ALL, and whatever else the table of keywords has. */
function mergeWords(left: usize, a: u32, right: usize, b: u32): bool {
  if (!isPartOfPhrase(a) || (b != LOGIC && !isPartOfPhrase(b))) return false;
  const first = lengthOf(left);
  const second = lengthOf(right);
  const len = first + second + 1;
  if (len > PHRASE_MAX) return false;
  memory.copy(phrase, left, first);
  store<u8>(phrase + first, 0x20);
  memory.copy(phrase + first + 1, right, second);
  const type = keywordType(phrase, len);
  if (type == NONE) return false;
  assign(left, type, phrase, len, phrase + 48);
  return true;
}

/** Whether three tokens became fewer. */
function foldThree(): bool {
  const left = tokenAt(done);
  const middle = left + TOKEN_BYTES;
  const right = middle + TOKEN_BYTES;
  const a = typeOf(left);
  const b = typeOf(middle);
  const c = typeOf(right);
  if (isIdleThree(a, b, c, middle)) {
    drop(2);
    return true;
  }
  if (isUnary(middle)) {
    const sign = foldSign(a, c);
    if (sign == 0) return false;
    copyToken(middle, right);
    drop(sign);
    return true;
  }
  if (a == EXPRESSION && b == DOT && c == BAREWORD) {
    copyToken(middle, right);
    drop(1);
    return true;
  }
  // USER() is a function, USER(x) is not.
  if (a == FUNCTION && b == LEFT_PAREN && c != RIGHT_PAREN && isWord(left, "USER")) setType(left, BAREWORD);
  return false;
}

/** Operations, lists and qualified names, which say no more than their first part. */
function isIdleThree(a: u32, b: u32, c: u32, middle: usize): bool {
  if (b == OPERATOR) {
    if ((a == NUMBER || a == BAREWORD) && (c == NUMBER || c == BAREWORD)) return true;
    if (a == VARIABLE && (c == VARIABLE || c == NUMBER || c == BAREWORD)) return true;
    if (c == SQL_TYPE && isValue(a) && isCast(middle)) return true;
  }
  if (a == OPERATOR && b != LEFT_PAREN && c == OPERATOR) return true;
  if (a == LOGIC && c == LOGIC) return true;
  if (b == COMMA && isValue(a) && isValue(c)) return true;
  return a == BAREWORD && b == DOT && c == BAREWORD;
}

// @ts-ignore: decorator
@inline function isCast(token: usize): bool {
  return lengthOf(token) == 2 && load<u8>(token) == COLON && load<u8>(token, 1) == COLON;
}

/** How many tokens a sign between these costs: a sign before a value goes, and in a list the value with it. 0: it stays. */
function foldSign(a: u32, c: u32): u32 {
  const begins = a == EXPRESSION || a == GROUP;
  if (c == LEFT_PAREN) return begins || a == COMMA ? 1 : 0;
  if (begins || a == KEYWORD) return isValue(c) || c == FUNCTION ? 1 : 0;
  if (a != COMMA) return 0;
  return isValue(c) ? 3 : c == FUNCTION ? 1 : 0;
}
