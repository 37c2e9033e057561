export { classOf } from "./classes.js";
export * from "./layout.js";
export { OPERATORS } from "./operators.js";
export { COLLECTIONS, SCALARS } from "./variables.js";
