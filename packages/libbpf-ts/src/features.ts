/** What this kernel can do, found out by trying (libbpf_probe_*). Needs the rights to load programs. Answers are cached. */
import { u32 } from "./arguments.js";
import { check, withLog } from "./call.js";
import { ArgumentError } from "./errors.js";
import { native } from "./native.js";
import { mapTypes, type MapTypeName, programTypes, type ProgramTypeName } from "./types.js";

const known = new Map<string, boolean>();

function cached(key: string, probe: () => number, operand: string): boolean {
  const before = known.get(key);
  if (before !== undefined) return before;
  const { result, log } = withLog(probe);
  const answer = check(result, "probe", operand, log) > 0;
  known.set(key, answer);
  return answer;
}

function number(names: readonly string[], value: string | number, what: string): number {
  const index = typeof value === "number" ? u32(value, what) : names.indexOf(value);
  if (index < 0) throw new ArgumentError(what, `is not known: ${value}`);
  return index;
}

export const features = {
  /** @throws {BpfError} it cannot be found out, for example EPERM */
  haveMapType(type: MapTypeName | number): boolean {
    const id = number(mapTypes, type, "map type");
    return cached(`map ${id}`, () => native().probeMapType(id), `map type ${type}`);
  },

  haveProgType(type: ProgramTypeName | number): boolean {
    const id = number(programTypes, type, "program type");
    return cached(`program ${id}`, () => native().probeProgramType(id), `program type ${type}`);
  },

  /** @param helper such as "ringbuf_output" or "bpf_ringbuf_output", or its number */
  haveHelper(type: ProgramTypeName | number, helper: string | number): boolean {
    const id = number(programTypes, type, "program type");
    const names = native().helperNames();
    const helperId = number(names, typeof helper === "string" ? helper.replace(/^bpf_/, "") : helper, "helper");
    return cached(`helper ${id} ${helperId}`, () => native().probeHelper(id, helperId), `helper ${helper} for ${type}`);
  },
};
