import type { Ctl, Effect } from "./ir.js";
import { EFFECTS, HOW, NONE } from "./layout.js";
import { constantOf } from "./macro.js";
import { Parts } from "./parts.js";
import { variableId } from "./variables.js";

const ENGINES = { off: 0, on: 1, detectionOnly: 2 } as const;
const PROCESSORS = { URLENCODED: 1, MULTIPART: 2, XML: 3, JSON: 4 } as const;

/** Writes what happens when a link matches. */
export abstract class EffectWriter extends Parts {
  /** Numbers of the items that a ctl is about. */
  protected abstract affected(ctl: Ctl): number[];

  /** Makes what the effect points to, and gives what writes the record itself. */
  protected effect(effect: Effect): () => void {
    const { out } = this;
    switch (effect.kind) {
      case "setvar": {
        const constant = constantOf(effect.name);
        const slot = effect.collection === "TX" && constant !== undefined ? this.slot(constant) : NONE;
        const name = slot === NONE ? this.macro(effect.name) : 0;
        const value = this.macro(effect.value);
        const text = constantOf(effect.value);
        const number = Number(/^\s*([+-]?\d{1,9})\s*$/.exec(text ?? "")?.[1] ?? Number.NaN);
        return () => {
          out.u8(EFFECTS.setvar).u8(variableId(effect.collection)).u8(HOW[effect.how]).u8(Number.isNaN(number) ? 0 : 1);
          out.u32(slot).u32(name).u32(value).i32(Number.isNaN(number) ? 0 : number).u32(0).u32(0);
        };
      }
      case "expirevar": {
        const name = this.macro(effect.name);
        return () => void out.u8(EFFECTS.expirevar).u8(variableId(effect.collection)).u16(0).u32(NONE).u32(name).u32(0).u32(effect.seconds).u32(0).u32(0);
      }
      case "initcol": {
        const key = this.macro(effect.key);
        return () => void out.u8(EFFECTS.initcol).u8(variableId(effect.collection)).u16(0).u32(NONE).u32(key).u32(0).u32(0).u32(0).u32(0);
      }
      case "ctl":
        return this.control(effect.ctl);
    }
  }

  protected control(ctl: Ctl): () => void {
    const simple = (kind: number, value: number) => () =>
      void this.out.u8(kind).u8(0).u16(0).u32(value).u32(0).u32(0).u32(0).u32(0).u32(0);
    switch (ctl.option) {
      case "ruleRemoveById":
      case "ruleRemoveByTag":
      case "ruleRemoveByMsg":
        return simple(EFFECTS.removeRules, this.bitset(this.affected(ctl)));
      case "ruleRemoveTargetById":
      case "ruleRemoveTargetByTag":
      case "ruleRemoveTargetByMsg": {
        const mask = this.bitset(this.affected(ctl));
        const write = this.target(ctl.target, false);
        const at = this.out.align(4).length;
        write();
        return () => void this.out.u8(EFFECTS.removeTarget).u8(0).u16(0).u32(mask).u32(at).u32(0).u32(0).u32(0).u32(0);
      }
      case "ruleEngine":
        return simple(EFFECTS.engine, ENGINES[ctl.mode]);
      case "requestBodyProcessor":
        return simple(EFFECTS.processor, PROCESSORS[ctl.processor]);
      case "forceRequestBodyVariable":
        return simple(EFFECTS.forceBody, ctl.on ? 1 : 0);
      case "requestBodyAccess":
        return simple(EFFECTS.requestBody, ctl.on ? 1 : 0);
      case "responseBodyAccess":
        return simple(EFFECTS.responseBody, ctl.on ? 1 : 0);
      case "ignored":
        throw new Error("ignored options are left out before");
    }
  }
}
