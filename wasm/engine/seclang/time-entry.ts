// Single conditions of rules on single values, for measuring the worst that one rule can cost.

import { limitRegexes, resumeBudget } from "./budget";
import { formOf, scanForm } from "./forms";
import { V_ARGS_GET } from "./ids";
import { ITEM_BYTES, I_LINKS, K_CHAIN, K_FLAGS, LINK_ACTION, LINK_BYTES } from "./layout";
import { operate } from "./operators";
import { items, rules } from "./program";
import { Form, Transaction, Value, makeValue } from "./transaction";

export * from "./test-entry";
export { regexSteps, regexReset } from "../regex/regex";

// As the module does.
limitRegexes(40 << 20);

/** Transforms the value as the link asks for, looks for literals, and tries the link's operator. 1: it is what is looked for. */
export function tryOn(at: usize, item: u32, number: u32, ptr: usize, len: u32): i32 {
  const tx = changetype<Transaction>(at);
  const link = rules + load<u32>(items + item * ITEM_BYTES, I_LINKS) + number * LINK_BYTES;
  if ((load<u32>(link, K_FLAGS) & LINK_ACTION) != 0) return 0;
  resumeBudget(0);
  const value = makeValue(tx, V_ARGS_GET, 0, 0, ptr, len);
  if (value == 0) return -1;
  const form = changetype<Form>(formOf(tx, changetype<Value>(value), load<u32>(link, K_CHAIN)));
  scanForm(tx, form, 0);
  return operate(tx, link, form.data, form.len) ? 1 : 0;
}
