// Settings of the flow table, by their meaning in suricata.yaml.

/** Protocol groups of timeouts. */
export const GROUP_TCP: u32 = 0;
export const GROUP_UDP: u32 = 1;
export const GROUP_ICMP: u32 = 2;
export const GROUP_OTHER: u32 = 3;

/** Seconds by group * 4 + FLOW_ state; class 3 of each group is for bypassed flows. */
const timeouts: usize = memory.data<u32>([60, 600, 60, 100, 30, 300, 10, 100, 30, 300, 10, 100, 30, 300, 10, 100]);

// @ts-ignore: decorator
@inline export function timeoutOf(lruClass: u32): u32 {
  return load<u32>(timeouts + (lruClass << 2));
}

/** `flow-timeouts`: seconds for a group in a state (FLOW_NEW …, 3 bypassed). */
export function setFlowTimeout(group: u32, state: u32, seconds: u32): void {
  if (group < 4 && state < 4) store<u32>(timeouts + (((group << 2) + state) << 2), seconds);
}

/** `vlan.use-for-tracking`. */
export let vlanTracking: bool = true;
export function setVlanTracking(on: bool): void {
  vlanTracking = on;
}

/** `decoder.ipv4.ipip.track-parent-flow`: IP in IP is a flow of its own, besides what is inside. */
export let tunnelFlows: bool = false;
export function setTunnelFlows(on: bool): void {
  tunnelFlows = on;
}

/** `flow.memcap-policy` (EXCEPTION_ of tcp/settings.ts), and the packet (counted from 1) for which the table pretends to be
 * full. */
export let flowMemcapPolicy: u32 = 0;
export let flowSimulateAt: u32 = 0;
export function setFlowMemcapPolicy(policy: u32, simulateAt: u32): void {
  flowMemcapPolicy = policy;
  flowSimulateAt = simulateAt;
}
