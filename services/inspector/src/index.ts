export { InspectorConfig } from "./config.js";
export { inspector } from "./service.js";
