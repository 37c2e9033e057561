export { ByteWriter } from "./byte-writer.js";
export type { Label } from "./byte-writer.js";
export {
  digest, forModule, HOST_ONLY, IMAGE_KINDS, IMAGE_LIMITS, readRuleImage, sectionOf, writeRuleImage,
} from "./container.js";
export type { ImageKind, RuleImage, Section } from "./container.js";
export { encodeDomains } from "./domains.js";
export type { DomainEntry, DomainMode } from "./domains.js";
export { RuleImageError } from "./errors.js";
export { encodeLiterals } from "./literals/encode.js";
export type { Literal } from "./literals/encode.js";
export { openRuleSet } from "./rule-set.js";
export type { RuleSet } from "./rule-set.js";
export { readRuleTexts } from "./rule-texts.js";
export type { RuleText, RuleTexts } from "./rule-texts.js";
export { TRANSFORMATION_IDS, transformationId, transformationNames } from "./transformations.js";
export type { TransformationId, TransformationLanguage } from "./transformations.js";
