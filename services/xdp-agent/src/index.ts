export { AgentConfig } from "./config.js";
export { VERSION, xdpAgent } from "./service.js";
