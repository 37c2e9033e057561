import { digest, forModule, sectionOf } from "./container.js";
import type { ImageKind } from "./container.js";
import { readRuleImage } from "./container.js";
import { readRuleTexts } from "./rule-texts.js";
import type { RuleTexts } from "./rule-texts.js";

/** A compiled rule set, as a module and its host need it. */
export interface RuleSet {
  readonly kind: ImageKind;
  /** What the module gets: without sections for hosts. */
  readonly image: Uint8Array;
  readonly texts: RuleTexts;
  /** Of the whole image. */
  readonly digest: string;
}

/**
 * @param bytes a rule image as the compilers write it
 * @throws RuleImageError when it is damaged or its texts are not as the compilers write them
 */
export function openRuleSet(bytes: Uint8Array): RuleSet {
  const image = readRuleImage(bytes);
  const meta = sectionOf(image, "META");
  const texts = meta === undefined ? new Map<number, never>() : readRuleTexts(meta);
  return { kind: image.kind, image: forModule(bytes), texts, digest: digest(bytes) };
}
