// What each image is made of.

/**
 * @typedef {object} Service
 * @property {string} workspace folder of the npm workspace
 * @property {string} entry the file that Node runs; must be there when the image is built
 * @property {string[]} extra other folders of the checkout it reads while running
 */

/** @type {Record<string, Service>} */
export const SERVICES = {
  "xdp-agent": { workspace: "services/xdp-agent", entry: "services/xdp-agent/dist/main.js", extra: ["bpf/build"] },
  inspector: { workspace: "services/inspector", entry: "services/inspector/dist/main.js", extra: ["wasm/build"] },
  alerting: { workspace: "services/alerting", entry: "services/alerting/dist/main.js", extra: [] },
  "rule-api": { workspace: "services/rule-api", entry: "services/rule-api/dist/main.js", extra: [] },
  cli: { workspace: "cli", entry: "cli/bin/secuxflow-cli.mjs", extra: [] },
};
