export * from "./commands.js";
export * from "./decider.js";
export * from "./match.js";
export * from "./safety.js";
export * from "./warnings.js";
