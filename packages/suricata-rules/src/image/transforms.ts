import { transformationId } from "@secuxflow/rule-image";
import type { Transform } from "../ir.js";
import { TRANSFORM } from "./layout.js";
import type { Pool } from "./pool.js";

const MODE = { rfc4648: 0, rfc2045: 1, strict: 2 } as const;

/**
 * Writes a chain of transformations: how many, then four words for each (id, and what it needs to know). Returns where; 0 for none.
 * @throws RangeError for a transformation that the engine does not know
 */
export function encodeTransforms(transforms: readonly Transform[], pool: Pool): number {
  if (transforms.length === 0) return 0;
  const words = [transforms.length];
  for (const transform of transforms) {
    switch (transform.type) {
      case "gunzip":
      case "zlib_deflate":
        words.push(TRANSFORM[transform.type], transform.maxSize, 0, 0);
        break;
      case "from_base64":
        words.push(TRANSFORM.from_base64, MODE[transform.mode], transform.offset, transform.bytes);
        break;
      default: {
        const id = transformationId("suricata", transform.type);
        if (id === undefined) throw new RangeError(`transformation ${transform.type} is not known to the engine`);
        const key = transform.type === "xor" ? transform.key : undefined;
        words.push(id, key === undefined ? 0 : pool.add(key), key?.length ?? 0, 0);
      }
    }
  }
  return pool.words(words);
}
