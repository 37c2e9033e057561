/** A name or a policy that the kernel maps cannot hold, or that is not there. The last good policy stays in force. */
export class PolicyNotApplicable extends Error {
  override readonly name = "PolicyNotApplicable";
}

/** Numbers that names have in the kernel. Each throws PolicyNotApplicable where there is no such name. */
export interface Names {
  /** Bit of an address set, 0 to 63. */
  readonly setBit: (name: string) => number;
  /** Index of a service. */
  readonly serviceIndex: (name: string) => number;
  /** Indexes of the interfaces of that name that are filtered now; may be empty. */
  readonly ifindexes: (name: string) => readonly number[];
}

/** Names of nothing: for what may not name anything, as the management allow-list. */
export const NO_NAMES: Names = {
  setBit: (name) => { throw new PolicyNotApplicable(`there is no address set ${name}`); },
  serviceIndex: (name) => { throw new PolicyNotApplicable(`there is no service ${name}`); },
  ifindexes: () => [],
};

/** Small numbers for names. A name keeps its number while it is there; the lowest free one is given first. Never changed in place. */
export class NumberedNames {
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #what: string;
  readonly #capacity: number;

  /** `numbers` are those that names are known to have, as after a restart; each number once. */
  constructor(what: string, capacity: number, numbers: ReadonlyMap<string, number> = new Map()) {
    this.#what = what;
    this.#capacity = capacity;
    this.#numbers = numbers;
  }

  get(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** The same for these names: they keep their numbers or get new ones, all others are forgotten. Throws PolicyNotApplicable. */
  assigned(names: Iterable<string>): NumberedNames {
    const wanted = [...new Set(names)];
    if (wanted.length > this.#capacity) throw new PolicyNotApplicable(`the policy has ${wanted.length} ${this.#what}; this agent holds ${this.#capacity}`);
    const kept = wanted.flatMap((name): [string, number][] => {
      const number = this.#numbers.get(name);
      return number === undefined ? [] : [[name, number]];
    });
    const taken = new Set(kept.map(([, number]) => number));
    const numbers = new Map(kept);
    let next = 0;
    for (const name of wanted) {
      if (numbers.has(name)) continue;
      while (taken.has(next)) next += 1;
      taken.add(next);
      numbers.set(name, next);
    }
    return new NumberedNames(this.#what, this.#capacity, numbers);
  }
}
