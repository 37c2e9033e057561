export * from "./commands.js";
export { policyDecider } from "./decider.js";
export { dueRules, ruleAnswering, sameRule } from "./decide-rules.js";
export { usersOfServices } from "./decide-services.js";
export { NO_USERS, usersOfSets, type SetUsers } from "./decide-sets.js";
export { missing } from "./refusals.js";
export { sameMatch } from "./match.js";
export * from "./warnings.js";
