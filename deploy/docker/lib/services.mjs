// What each image is made of.

/**
 * @typedef {object} Service
 * @property {string} workspace folder of the npm workspace
 * @property {string} entry the file that Node runs; must be there when the image is built
 * @property {boolean} [bundled] it needs no packages: `reads` is all it is made of
 * @property {string[]} [tools] programs of this machine that it runs, taken with their libraries
 * @property {{ folder: string, files: RegExp }[]} reads other files of the checkout it needs while running, by their path
 *   inside the folder; each folder must hold at least one
 */

/** @type {Record<string, Service>} */
export const SERVICES = {
  "xdp-agent": {
    workspace: "services/xdp-agent",
    entry: "services/xdp-agent/dist/main.js",
    tools: ["ip", "ethtool"], // it finds services' containers and prepares their veths with these (and nsenter, of every base image)
    reads: [{ folder: "bpf/build", files: /^secuxflow\.bpf\.o$/ }],
  },
  inspector: {
    workspace: "services/inspector",
    entry: "services/inspector/dist/main.js",
    reads: [{ folder: "wasm/dist", files: /^[^/]+\.wasm$/ }],
  },
  alerting: { workspace: "services/alerting", entry: "services/alerting/dist/main.js", reads: [] },
  "rule-api": { workspace: "services/rule-api", entry: "services/rule-api/dist/main.js", reads: [] },
  cli: {
    workspace: "cli",
    entry: "cli/dist/secuxflow-cli.mjs",
    bundled: true,
    reads: [{ folder: "cli/bin", files: /^[^/]+\.mjs$/ }, { folder: "cli/dist", files: /^(secuxflow-cli|chunks\/[^/]+)\.mjs$/ }],
  },
};
