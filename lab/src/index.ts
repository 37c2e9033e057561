export { ADDRESSES, createTopology, startService, UPLINK, type Topology } from "./topology.js";
export { Cli, CliFailed, type CliResult } from "./cli.js";
export { attack, ATTACKS, browse, type AttackName } from "./attacks.js";
export { System, SERVICES, type ServiceName, type SystemOptions } from "./system.js";
export { alertEvents } from "./alert-events.js";
export { totals, type Totals } from "./live/changes.js";
export { forwardedByStack } from "./stack.js";
export { sweepPins } from "./sweep.js";
