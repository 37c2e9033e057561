// Rules on a transaction, phase by phase.

import { budgetUsed, overBudget, resumeBudget, settledOverBudget, spend } from "./budget";
import { points, resetPoints, runEffects } from "./effects";
import { formOf, isCandidate, ownForm, scanForm } from "./forms";
import { V_MATCHED_VARS, V_TX } from "./ids";
import {
  CHAIN_BYTES, D_ALLOW, D_ALLOW_PHASE, D_ALLOW_REQUEST, D_PASS, ENGINE_OFF, ENGINE_ON, H_PHASE_1, ITEM_BYTES, ITEM_LOG,
  ITEM_PREFILTERED, I_DISRUPTION, I_FLAGS, I_JUMP, I_LINKS, I_LINK_COUNT, I_SEVERITY, I_STATUS, K_CHAIN, K_EXCLUSION_COUNT,
    K_FLAGS,
  K_LOGDATA, K_MASK1, K_MASK2, K_MSG, K_TARGETS, K_TARGET_COUNT, LINK_ACTION, LINK_BYTES, LINK_LITERALS, LINK_MULTIMATCH,
    LINK_NEGATED,
  NONE, TARGET_BYTES, TARGET_COUNTED,
} from "./layout";
import { expandCopy, expandedLen } from "./macro";
import { fullName, fullNameLen, isResponse } from "./names";
import { hitAt, hitLen, locateHit, operate } from "./operators";
import { prefilter } from "./prefilter";
import { chains, generation, items, rules } from "./program";
import { collect, excludes, heldAt, holdFound } from "./targets";
import { Finding, Form, Removal, Transaction, Value, addTo, decimal, decimalLen, listOf, makeValue, txTake } from "./transaction";

/** First match of the rule that is being tried. */
let firstName: usize = 0;
let firstNameLen: u32 = 0;
let firstData: usize = 0;
let firstDataLen: u32 = 0;
let firstChain: u32 = 0;
let firstMessage: usize = 0;
let firstMessageLen: u32 = 0;
let firstDetail: usize = 0;
let firstDetailLen: u32 = 0;
/** The rule that is being tried tells of its matches. */
let logged = false;
/** Rule evaluations since the start, for measuring. */
export let tried: u64 = 0;
/** Transactions that used up their steps. */
export let exhaustions: u64 = 0;

/** Tries the rules of a phase (1 to 5), once per transaction. */
export function runPhase(tx: Transaction, phase: u32): void {
  if ((tx.phases >> phase & 1) != 0 || tx.generation != generation) return;
  tx.phases |= 1 << phase;
  if (tx.engine == ENGINE_OFF || (phase != 5 && (tx.interrupted != 0 || isAllowed(tx, phase)))) return;
  const from = load<u32>(rules + H_PHASE_1 + (phase - 1) * 4);
  const to = load<u32>(rules + H_PHASE_1 + phase * 4);
  if (from == to) return;
  resumeBudget(tx.spent);
  tryPhase(tx, phase, from, to);
  if (!tx.exhausted && settledOverBudget()) exhaust(tx);
  tx.spent = budgetUsed();
}

function tryPhase(tx: Transaction, phase: u32, from: u32, to: u32): void {
  prefilter(tx, phase);
  let index = nextAlive(tx.alive, from, to);
  while (index < to) {
    let next = index + 1;
    if (!tx.exhausted && settledOverBudget()) exhaust(tx);
    const item = items + index * ITEM_BYTES;
    if ((!tx.anyRemoved || !bit(tx.removed, index)) && (!tx.exhausted || isVerdict(item))) {
      tried++;
      if (tryRule(tx, item, index)) {
        const jump = load<u32>(item, I_JUMP);
        if (jump != NONE) next = max(next, min(jump, to));
        if (tx.engine == ENGINE_OFF || (phase != 5 && tx.interrupted != 0)) return;
        if (tx.allowed == D_ALLOW_PHASE) {
          tx.allowed = D_PASS;
          return;
        }
        if (isAllowed(tx, phase)) return;
      }
    }
    index = nextAlive(tx.alive, next, to);
  }
}

/** Rules that look at scores only: they judge what was found when there are no steps left to find more. */
function isVerdict(item: usize): bool {
  const link = rules + load<u32>(item, I_LINKS);
  return (load<u32>(link, K_FLAGS) & LINK_ACTION) != 0 || <u32>load<u8>(rules + load<u32>(link, K_TARGETS)) == V_TX;
}

/** The transaction has cost too much: an event says so. */
function exhaust(tx: Transaction): void {
  tx.exhausted = true;
  exhaustions++;
  appendFinding(tx, NONE);
  tx.findingCount++;
}

function isAllowed(tx: Transaction, phase: u32): bool {
  return phase != 5 && (tx.allowed == D_ALLOW || (tx.allowed == D_ALLOW_REQUEST && phase <= 2));
}

// @ts-ignore: decorator
@inline function bit(set: usize, index: u32): bool {
  return (load<u32>(set + (index >> 5) * 4) >> (index & 31) & 1) != 0;
}

/** First item of the set at or after `from`, or `to`. */
function nextAlive(set: usize, from: u32, to: u32): u32 {
  if (from >= to) return to;
  let word = load<u32>(set + (from >> 5) * 4) & (<u32>-1 << (from & 31));
  let base = from & ~31;
  while (word == 0) {
    base += 32;
    if (base >= to) return to;
    word = load<u32>(set + (base >> 5) * 4);
  }
  return min(to, base + ctz(word));
}

function tryRule(tx: Transaction, item: usize, index: u32): bool {
  const matched = listOf(tx, V_MATCHED_VARS);
  matched.first = 0;
  matched.last = 0;
  matched.count = 0;
  firstName = 0;
  firstMessage = 0;
  firstDetail = 0;
  firstData = 0;
  firstDataLen = 0;
  firstNameLen = 0;
  firstMessageLen = 0;
  firstDetailLen = 0;
  resetPoints();
  logged = (load<u32>(item, I_FLAGS) & ITEM_LOG) != 0;
  const count = load<u32>(item, I_LINK_COUNT);
  const links = rules + load<u32>(item, I_LINKS);
  for (let i: u32 = 0; i < count; i++) {
    if (!tryLink(tx, item, index, links + i * LINK_BYTES, i == 0, count)) return false;
  }
  const severity = load<u32>(item, I_SEVERITY);
  if (severity < tx.highest) tx.highest = severity;
  record(tx, item, index, links, count);
  disrupt(tx, item, index);
  return true;
}

function disrupt(tx: Transaction, item: usize, index: u32): void {
  const disruption = load<u32>(item, I_DISRUPTION);
  if (disruption == D_PASS || tx.engine != ENGINE_ON) return;
  if (disruption >= D_ALLOW) {
    tx.allowed = disruption;
    return;
  }
  if (tx.interrupted != 0) return;
  tx.interrupted = index + 1;
  tx.status = load<u32>(item, I_STATUS);
}

/** Whether the link matches any of its values; all of them are tried, for their effects. */
function tryLink(tx: Transaction, item: usize, index: u32, link: usize, head: bool, linkCount: u32): bool {
  const flags = load<u32>(link, K_FLAGS);
  if ((flags & LINK_ACTION) != 0) {
    runEffects(tx, link);
    return true;
  }
  const targets = rules + load<u32>(link, K_TARGETS);
  const targetCount = <u32>load<u16>(link, K_TARGET_COUNT);
  const exclusionCount = <u32>load<u16>(link, K_EXCLUSION_COUNT);
  const exclusions = targets + targetCount * TARGET_BYTES;
  const filtered = head && (load<u32>(item, I_FLAGS) & ITEM_PREFILTERED) != 0;
  let matches = false;
  for (let i: u32 = 0; i < targetCount; i++) {
    const target = targets + i * TARGET_BYTES;
    const variable = <u32>load<u8>(target);
    collect(tx, target);
    const count = holdFound();
    if ((load<u8>(target, 1) & TARGET_COUNTED) != 0) {
      let n: u32 = 0;
      for (let k: u32 = 0; k < count; k++) {
        if (!isExcluded(tx, exclusions, exclusionCount, variable, index, heldAt(k))) n++;
      }
      const text = decimal(tx, n);
      const value = makeValue(tx, variable, rules + load<u32>(target, 4), load<u8>(target, 2) == 1 ? load<u32>(target, 8) : 0,
        text, decimalLen);
      if (value != 0 && tryForm(tx, link, target, changetype<Value>(value), changetype<Form>(ownForm(tx,
        changetype<Value>(value))), 0, head, linkCount)) {
        matches = true;
      }
      continue;
    }
    const checkEach = exclusionCount != 0 || tx.removals != 0;
    for (let k: u32 = 0; k < count; k++) {
      if (overBudget() && !tx.exhausted) return matches;
      const value = heldAt(k);
      spend(8);
      if (checkEach && isExcluded(tx, exclusions, exclusionCount, variable, index, value)) continue;
      if ((flags & LINK_MULTIMATCH) != 0 ? tryMany(tx, link, target, value, index, filtered, head, linkCount)
        : tryOne(tx, link, target, value, load<u32>(link, K_CHAIN), index, filtered, head, linkCount)) matches = true;
    }
  }
  return matches;
}

function tryOne(
  tx: Transaction, link: usize, target: usize, value: Value, chain: u32, index: u32, filtered: bool, head: bool, linkCount: u32,
): bool {
  const form = changetype<Form>(formOf(tx, value, chain));
  if (filtered && isHopeless(tx, link, target, form, index)) return false;
  return tryForm(tx, link, target, value, form, chain, head, linkCount);
}

/** With multiMatch, the value is tried after each transformation that changed it. */
function tryMany(
  tx: Transaction, link: usize, target: usize, value: Value, index: u32, filtered: bool, head: bool, linkCount: u32,
): bool {
  const last = load<u32>(link, K_CHAIN);
  let depth: u32 = 0;
  for (let chain = last; chain != 0; chain = load<u32>(chains + chain * CHAIN_BYTES)) depth++;
  let matches = false;
  let before: usize = 0;
  for (let step: u32 = 0; step <= depth; step++) {
    let chain = last;
    for (let up = depth - step; up > 0; up--) chain = load<u32>(chains + chain * CHAIN_BYTES);
    const form = formOf(tx, value, chain);
    if (form == before) continue;
    before = form;
    if (filtered && isHopeless(tx, link, target, changetype<Form>(form), index)) continue;
    if (tryForm(tx, link, target, value, changetype<Form>(form), chain, head, linkCount)) matches = true;
  }
  return matches;
}

/** Whether literals or classes of bytes rule the form out. */
function isHopeless(tx: Transaction, link: usize, target: usize, form: Form, index: u32): bool {
  if ((form.classes & load<u64>(link, K_MASK1)) == 0 || (form.classes & load<u64>(link, K_MASK2)) == 0) return true;
  if ((load<u32>(link, K_FLAGS) & LINK_LITERALS) == 0) return false;
  scanForm(tx, form, isResponse(<u32>load<u8>(target)) ? 1 : 0);
  return !isCandidate(form, index);
}

function tryForm(
  tx: Transaction, link: usize, target: usize, value: Value, form: Form, chain: u32, head: bool, linkCount: u32,
): bool {
  const negated = (load<u32>(link, K_FLAGS) & LINK_NEGATED) != 0;
  spend(form.len + 16);
  if (operate(tx, link, form.data, form.len) == negated) return false;
  tx.matchedVar = form.data;
  tx.matchedVarLen = form.len;
  tx.matchedName = fullName(tx, <u32>load<u8>(target), value);
  tx.matchedNameLen = fullNameLen;
  addTo(tx, V_MATCHED_VARS, V_MATCHED_VARS, tx.matchedName, tx.matchedNameLen, form.data, form.len);
  if (firstName == 0) {
    if (logged) locateHit(form.data, form.len);
    firstName = tx.matchedName;
    firstNameLen = tx.matchedNameLen;
    firstChain = chain;
    firstData = hitAt != 0 ? hitAt : form.data;
    firstDataLen = hitAt != 0 ? hitLen : form.len;
  }
  runEffects(tx, link);
  // The message of a single rule is about its first match; that of a chain is made when all of it has matched.
  if (head && linkCount == 1 && firstMessage == 0) expandMessage(tx, link);
  return true;
}

function expandMessage(tx: Transaction, link: usize): void {
  firstMessage = expandCopy(tx, load<u32>(link, K_MSG));
  firstMessageLen = expandedLen;
  firstDetail = expandCopy(tx, load<u32>(link, K_LOGDATA));
  firstDetailLen = expandedLen;
}

function isExcluded(tx: Transaction, exclusions: usize, count: u32, variable: u32, index: u32, value: Value): bool {
  for (let i: u32 = 0; i < count; i++) {
    if (excludes(exclusions + i * TARGET_BYTES, variable, value)) return true;
  }
  for (let at = tx.removals; at != 0; at = changetype<Removal>(at).next) {
    const removal = changetype<Removal>(at);
    if (bit(removal.mask, index) && excludes(removal.target, variable, value)) return true;
  }
  return false;
}

/** Notes that the rule matched. */
function record(tx: Transaction, item: usize, index: u32, links: usize, count: u32): void {
  if (count > 1 || firstMessage == 0) expandMessage(tx, links);
  const at = appendFinding(tx, index);
  if (at == 0) return;
  const finding = changetype<Finding>(at);
  finding.points = points > 0 ? points : 0;
  finding.location = firstName;
  finding.locationLen = firstNameLen;
  finding.data = firstData;
  finding.dataLen = firstDataLen;
  finding.message = firstMessage;
  finding.messageLen = firstMessageLen;
  finding.detail = firstDetail;
  finding.detailLen = firstDetailLen;
  finding.chain = firstChain;
  if ((load<u32>(item, I_FLAGS) & ITEM_LOG) != 0) tx.findingCount++;
}

/** An empty finding of a rule, or of none. 0 when memory is short. */
function appendFinding(tx: Transaction, index: u32): usize {
  const at = txTake(tx, offsetof<Finding>());
  if (at == 0) return 0;
  memory.fill(at, 0, offsetof<Finding>());
  changetype<Finding>(at).item = index;
  if (tx.lastFinding != 0) changetype<Finding>(tx.lastFinding).next = at;
  else tx.findings = at;
  tx.lastFinding = at;
  return at;
}
