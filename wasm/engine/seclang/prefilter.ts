// Which rules of a phase are worth trying: each value, in each form that rules look at it in, is scanned once for the literals of
// all of them, and its classes of bytes rule out more.

import { overBudget, spend } from "./budget";
import { formOf, ownForm, scanForm } from "./forms";
import { CLASS_BYTES, GROUP_BYTES, H_ALWAYS, H_GROUPS_1, H_GROUP_COUNT_1, JOB_BYTES } from "./layout";
import { rules, words } from "./program";
import { collect, foundAt, foundCount } from "./targets";
import { Form, Transaction, Value } from "./transaction";

/** Number of the group of targets that is being looked at, over all transactions. */
let stamp: u32 = 0;

/** Fills the transaction's `alive` set: rules (of any phase) that may match in this phase, those removed by a ctl as well. */
export function prefilter(tx: Transaction, phase: u32): void {
  memory.copy(tx.alive, rules + load<u32>(rules + H_ALWAYS), words * 4);
  const count = load<u32>(rules + H_GROUP_COUNT_1 + (phase - 1) * 8);
  let group = rules + load<u32>(rules + H_GROUPS_1 + (phase - 1) * 8);
  for (let i: u32 = 0; i < count; i++, group += GROUP_BYTES) {
    collect(tx, rules + load<u32>(group));
    const jobs = rules + load<u32>(group, 4);
    const jobCount = load<u32>(group, 8);
    const side = load<u32>(group, 12);
    stamp++;
    spend(foundCount * 8);
    for (let k: u32 = 0; k < foundCount && !overBudget(); k++) inspect(tx, foundAt(k), jobs, jobCount, side);
  }
}

function inspect(tx: Transaction, value: Value, jobs: usize, count: u32, side: u32): void {
  // Equal values say nothing new.
  const own = changetype<Form>(ownForm(tx, value));
  if (own.stamp == stamp) return;
  own.stamp = stamp;
  let job = jobs;
  for (let i: u32 = 0; i < count; i++, job += JOB_BYTES) {
    const form = changetype<Form>(formOf(tx, value, load<u32>(job)));
    const mask = load<u32>(job, 4);
    if (mask != 0) {
      if ((form.scanned >> side & 1) == 0) scanForm(tx, form, side);
      if (form.candidates != 0) revive(tx.alive, form.candidates, rules + mask);
    }
    const classCount = load<u32>(job, 12);
    if (classCount != 0) byClasses(tx.alive, form.classes, rules + load<u32>(job, 8), classCount);
  }
}

/** alive |= candidates & mask */
function revive(alive: usize, candidates: usize, mask: usize): void {
  for (let i: u32 = 0; i < words; i += 4) {
    const at = i * 4;
    v128.store(alive + at, v128.or(v128.load(alive + at), v128.and(v128.load(candidates + at), v128.load(mask + at))));
  }
}

function byClasses(alive: usize, classes: u64, list: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++, list += CLASS_BYTES) {
    if ((classes & load<u64>(list, 8)) == 0 || (classes & load<u64>(list, 16)) == 0) continue;
    const item = load<u32>(list);
    const word = alive + (item >> 5) * 4;
    store<u32>(word, load<u32>(word) | (1 << (item & 31)));
  }
}
