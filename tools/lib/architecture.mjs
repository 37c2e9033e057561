// Which part may use which, as docs/ARCHITECTURE.md draws it. tools/arch.mjs checks it.

/** What the code of each workspace may import from other workspaces. Whatever is not here is forbidden. */
export const ALLOWED = {
  "packages/contracts": [],
  "packages/event-store": ["packages/contracts"],
  "packages/nats": ["packages/contracts", "packages/event-store"],
  "packages/inspect-abi": [],
  "packages/module-host": ["packages/inspect-abi", "packages/rule-image"],
  "packages/libbpf-ts": [],
  "packages/rule-image": [],
  "packages/regex": [],
  "packages/pcap": [],
  "packages/eve": ["packages/inspect-abi", "packages/rule-image"],
  "packages/suricata-rules": ["packages/rule-image", "packages/regex"],
  "packages/seclang": ["packages/rule-image", "packages/regex"],
  "packages/inspect-offline": [
    "packages/inspect-abi", "packages/module-host", "packages/pcap", "packages/eve", "packages/rule-image", "packages/suricata-rules",
    "packages/seclang",
  ],
  "packages/service-kit": [],
  "packages/testkit": [],
  "services/xdp-agent": [
    "packages/contracts", "packages/event-store", "packages/nats", "packages/inspect-abi", "packages/module-host",
    "packages/libbpf-ts", "packages/service-kit",
  ],
  "services/inspector": [
    "packages/contracts", "packages/nats", "packages/inspect-abi", "packages/module-host", "packages/eve", "packages/rule-image",
    "packages/service-kit",
  ],
  "services/alerting": ["packages/contracts", "packages/nats", "packages/service-kit"],
  "services/rule-api": ["packages/contracts", "packages/event-store", "packages/nats", "packages/service-kit"],
  cli: ["packages/contracts", "packages/inspect-offline", "packages/module-host", "packages/suricata-rules", "packages/seclang", "packages/rule-image"],
  wasm: [
    "packages/inspect-abi", "packages/module-host", "packages/regex", "packages/rule-image", "packages/suricata-rules", "packages/seclang",
  ],
  // What runs, measures and tests the whole starts the services as processes and never imports them.
  lab: ["packages/contracts", "packages/testkit", "packages/libbpf-ts"],
  bench: [
    "packages/contracts", "packages/testkit", "packages/libbpf-ts", "packages/inspect-abi", "packages/nats", "packages/module-host",
    "packages/pcap", "packages/inspect-offline", "packages/suricata-rules", "packages/seclang", "packages/rule-image", "wasm", "lab",
  ],
  e2e: ["packages/contracts", "packages/testkit", "packages/libbpf-ts", "packages/nats", "lab"],
  // The exception: it drives the data plane's own code (encoder, maps) against a model, without a process between.
  fuzz: [
    "packages/contracts", "packages/testkit", "packages/libbpf-ts", "packages/inspect-abi", "packages/module-host", "packages/pcap",
    "packages/eve", "packages/rule-image", "packages/suricata-rules", "packages/seclang", "packages/regex", "services/xdp-agent", "wasm",
  ],
  conformance: [
    "packages/inspect-abi", "packages/module-host", "packages/pcap", "packages/eve", "packages/inspect-offline", "packages/regex",
    "packages/rule-image", "packages/suricata-rules", "packages/seclang", "packages/testkit", "wasm",
  ],
};

/** Tests, and what only tests use (wasm/src/engine drives the engine's rooms), may use the test kit as well. */
export const TEST_FILE = "(\\.spec\\.ts$|/(testing|fixture|fixtures|test-support)/|/engine/(app|codec|core|decode|detect|flow|http|image|ip|match|regex|seclang|sqli|tcp|xss)/)";
const TESTS_MAY = ["packages/testkit"];

/** Packages without I/O: a service's domain may use them. */
export const PURE = "^packages/(contracts|event-store|inspect-abi)/";

const WORKSPACES = Object.keys(ALLOWED);
const anyOf = (folders) => `^(${folders.join("|")})/`;

/** Rules in the language of dependency-cruiser: all of them forbid. */
export function rules() {
  const direction = WORKSPACES.flatMap((workspace) => {
    const closed = (allowed) => WORKSPACES.filter((other) => other !== workspace && !allowed.includes(other));
    const rule = (name, from, allowed) => ({
      name: `${workspace}: ${name}`,
      comment: `may import ${allowed.length === 0 ? "no other workspace" : allowed.join(", ")} (tools/lib/architecture.mjs)`,
      severity: "error",
      from,
      to: { path: anyOf(closed(allowed)) },
    });
    return [
      rule("direction", { path: `^${workspace}/`, pathNot: TEST_FILE }, ALLOWED[workspace]),
      rule("direction in tests", { path: `^${workspace}/.*${TEST_FILE}` }, [...ALLOWED[workspace], ...TESTS_MAY]),
    ];
  });
  const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });
  return [
    ...direction,
    // A cycle that only types close is none when the code runs.
    forbid("no cycles", "modules that need each other are one module", {}, { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } }),
    forbid("found", "an import must lead to a file or a declared package; other packages' insides are not exported", {}, { couldNotResolve: true }),
    forbid("nats client", "@nats-io is used by packages/nats alone (and the test kit's own tests)",
      { pathNot: `^(packages/nats/|packages/testkit/.*${TEST_FILE})` }, { path: "node_modules/@nats-io/" }),
    forbid("domain is pure", "a service's domain imports itself and the packages that do no I/O (contracts, event-store, inspect-abi) alone",
      { path: "^(services/[^/]+)/src/(|.+/)domain/", pathNot: TEST_FILE },
      { pathNot: `${PURE}|^$1/src/(|.+/)domain/` }),
    forbid("pure packages", "contracts, event-store and inspect-abi do no I/O",
      { path: PURE, pathNot: TEST_FILE },
      { dependencyTypes: ["core"], pathNot: "^(node:)?(crypto|util|assert|buffer|net)$" }),
    forbid("tests stay tests", "what is shipped does not import tests", { pathNot: TEST_FILE }, { path: TEST_FILE }),
    forbid("cli over http", "the CLI knows contracts and HTTP: no server framework", { path: "^cli/" }, { path: "node_modules/(@nestjs|@nats-io|@clickhouse|chdb)/" }),
  ];
}

/** What the pure packages may take from `node:net`, which rules on modules cannot tell apart. */
export const PURE_NET = /^(isIP|isIPv4|isIPv6)$/;

/** A check that saw too little is no check: when parsing breaks, dependency-cruiser sees nothing and is content. */
export const FLOOR = { modules: 500, dependencies: 2_000 };
