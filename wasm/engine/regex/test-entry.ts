// What the tests of this room call.
export { give, memoryTaken, setMemoryBudget, take } from "../core/memory";
export {
  regexCacheBytes, regexCapture, regexCheck, regexEnd, regexGroupEnd, regexGroups, regexGroupStart, regexLimited,
  regexLimitedCount, regexMatch, regexReset, regexSetLimits, regexStart, regexSteps, regexTest,
} from "./regex";
