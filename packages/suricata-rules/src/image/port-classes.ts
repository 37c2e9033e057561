import type { PortSet } from "../ir.js";

/** Numbers for port sets, and classes of ports that are in the same sets, as with addresses. */
export class PortSets {
  readonly sets: PortSet[] = [];
  readonly #known = new Map<string, number>();

  number(set: PortSet): number {
    const key = set.any ? "any" : set.ranges.map(({ from, to }) => `${from}-${to}`).join();
    let number = this.#known.get(key);
    if (number === undefined) {
      number = this.sets.push(set) - 1;
      this.#known.set(key, number);
    }
    return number;
  }

  /** Class of each of the 65,536 ports, and per class the numbers of the sets it is in. */
  classes(): { readonly ofPort: Uint16Array; readonly members: number[][] } {
    const enter = new Map<number, number[]>();
    const leave = new Map<number, number[]>();
    const note = (at: number, set: number, map: Map<number, number[]>): void => {
      const list = map.get(at);
      if (list === undefined) map.set(at, [set]);
      else list.push(set);
    };
    this.sets.forEach(({ any, ranges }, set) => {
      for (const { from, to } of any ? [{ from: 0, to: 65_535 }] : ranges) {
        note(from, set, enter);
        note(to + 1, set, leave);
      }
    });
    const ofPort = new Uint16Array(65_536);
    const members: number[][] = [];
    const byKey = new Map<string, number>();
    const active = new Set<number>();
    let current = -1;
    for (let port = 0; port < 65_536; port++) {
      const [out, into] = [leave.get(port), enter.get(port)];
      if (out !== undefined || into !== undefined || current < 0) {
        for (const set of out ?? []) active.delete(set);
        for (const set of into ?? []) active.add(set);
        const list = [...active].sort((a, b) => a - b);
        const key = list.join();
        current = byKey.get(key) ?? members.push(list) - 1;
        byKey.set(key, current);
      }
      ofPort[port] = current;
    }
    return { ofPort, members };
  }
}
