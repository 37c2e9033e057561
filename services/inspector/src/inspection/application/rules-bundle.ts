import type { RuleSet } from "@secuxflow/rule-image";

/**
 * A rule set on its way to the inspection threads: bytes in memory that all of them share, so that nothing is copied for each.
 * Texts stay JSON until a thread has something to tell of a rule.
 */
export interface RulesBundle {
  readonly kind: RuleSet["kind"];
  readonly digest: string;
  readonly image: Uint8Array;
  /** Ids of the rules. */
  readonly ids: Uint32Array;
  /** JSON of `[id, text][]`, UTF-8. */
  readonly texts: Uint8Array;
}

const shared = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  copy.set(bytes);
  return copy;
};

export function bundleOf({ kind, digest, image, texts }: RuleSet): RulesBundle {
  const ids = new Uint32Array(new SharedArrayBuffer(texts.size * 4));
  ids.set([...texts.keys()]);
  return { kind, digest, image: shared(image), ids, texts: shared(new TextEncoder().encode(JSON.stringify([...texts]))) };
}

/** Texts that are parsed when the first of them is asked for. */
class LazyTexts implements ReadonlyMap<number, TextOf> {
  #parsed: ReadonlyMap<number, TextOf> | undefined;

  constructor(private readonly bundle: RulesBundle) {}

  get size(): number {
    return this.bundle.ids.length;
  }

  get(id: number): TextOf | undefined {
    return this.#all().get(id);
  }

  has(id: number): boolean {
    return this.#all().has(id);
  }

  keys(): MapIterator<number> {
    return new Set(this.bundle.ids).values();
  }

  values(): MapIterator<TextOf> {
    return this.#all().values();
  }

  entries(): MapIterator<[number, TextOf]> {
    return this.#all().entries();
  }

  forEach(callback: (text: TextOf, id: number, map: ReadonlyMap<number, TextOf>) => void): void {
    for (const [id, text] of this.#all()) callback(text, id, this);
  }

  [Symbol.iterator](): MapIterator<[number, TextOf]> {
    return this.entries();
  }

  #all(): ReadonlyMap<number, TextOf> {
    // A decoder takes no shared memory.
    this.#parsed ??= new Map(JSON.parse(new TextDecoder().decode(Uint8Array.from(this.bundle.texts))) as [number, TextOf][]);
    return this.#parsed;
  }
}
type TextOf = RuleSet["texts"] extends ReadonlyMap<number, infer T> ? T : never;

/** The rule set of a bundle, in the thread that uses it. */
export const openBundle = (bundle: RulesBundle): RuleSet =>
  ({ kind: bundle.kind, digest: bundle.digest, image: bundle.image, texts: new LazyTexts(bundle) });
