// Port lists of rule headers and variables.

import { syntax } from "./errors.js";
import { evaluateGroup, type GroupRules } from "./groups.js";
import type { PortSet } from "./ir.js";
import { isAll, normalize, PORTS, subtract } from "./ranges.js";

/** Every port. */
export function anyPort(): PortSet {
  return { any: true, ranges: [{ from: PORTS.min, to: PORTS.max }] };
}

const make = (ranges: PortSet["ranges"]): PortSet => ({ any: isAll(PORTS, ranges), ranges });

/** Evaluates a port list such as `[80, 8000:8100, !8080, 60000:]`. @throws RuleError */
export function parsePorts(text: string, at: number, variables: ReadonlyMap<string, string>): PortSet {
  const rules: GroupRules<PortSet> = {
    what: "port",
    variables,
    all: anyPort,
    item,
    union: (sets) =>
      make(
        normalize(
          PORTS,
          sets.flatMap((set) => set.ranges),
        ),
      ),
    subtract: (a, b) => make(subtract(PORTS, a.ranges, b.ranges)),
    isEmpty: (set) => set.ranges.length === 0,
  };
  return evaluateGroup(rules, text, at);
}

function item(text: string, at: number): PortSet {
  const parts = /^(\d{1,5})?\s*(:)?\s*(\d{1,5})?$/.exec(text);
  if (parts === null || text === ":" || text === "") throw syntax(at, `${text} is not a port, a range of ports or a variable`);
  const [, first, colon, last] = parts;
  if (colon === undefined && last !== undefined) throw syntax(at, `${text} is not a port`);
  const from = first === undefined ? 0 : Number(first);
  const to = colon === undefined ? from : last === undefined ? 65_535 : Number(last);
  if (from > 65_535 || to > 65_535) throw syntax(at, `${text}: ports end at 65535`);
  if (from > to) throw syntax(at, `${text}: the range ends before it starts`);
  return make([{ from, to }]);
}
