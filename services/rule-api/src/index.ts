export { RuleApiConfig } from "./config.js";
export { openApi } from "./http/openapi.js";
export { ruleApi } from "./service.js";
