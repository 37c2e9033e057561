import { Document, visit } from "yaml";
import { safeJson, visible } from "../text/escape.js";

/** Where `yaml` folds nothing, an unsafe character stands inside double quotes, and a JSON escape means the same there. */
const NO_FOLD = { lineWidth: 0 };

/**
 * A document as YAML 1.2 that is safe on a terminal: strings with characters that a terminal would obey or hide are double-quoted
 * and these written as escapes.
 */
export function safeYaml(document: object): string {
  // Through JSON, so that both formats hold the same: no undefined values, one meaning of lone surrogates.
  const tree = new Document(JSON.parse(JSON.stringify(document)), { aliasDuplicateObjects: false });
  visit(tree, {
    Scalar(_key, node) {
      if (typeof node.value === "string" && visible(node.value) !== node.value) node.type = "QUOTE_DOUBLE";
    },
  });
  return safeJson(tree.toString(NO_FOLD));
}
