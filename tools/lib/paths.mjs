// Where the tools keep what they make. All of it lies below .secuxflow in the checkout and can be deleted at any time.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const STATE = join(ROOT, ".secuxflow");
export const LOGS = join(STATE, "logs");
export const STAMPS = join(STATE, "stamps");
/** Results of the last test run. */
export const RESULTS = join(STATE, "test");
