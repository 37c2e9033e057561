export { alertingDefinition, AlertingModule } from "./alerting.module.js";
export { AlertingConfig } from "./config.js";
