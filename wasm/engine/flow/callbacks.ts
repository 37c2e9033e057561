// What the engine on top is told. Set once at start; until then nothing happens.

import { Flow } from "./flow";

/** The flow is given back after this returns: free what hangs on it (app state, transactions, user slots). */
export let onFlowEnd: (flow: Flow, reason: u32) => void = (_flow: Flow, _reason: u32): void => {};
export function setOnFlowEnd(callback: (flow: Flow, reason: u32) => void): void {
  onFlowEnd = callback;
}

/** Called before onFlowEnd, for what TCP still holds; tcp/tcp.ts sets it (tcpInit). */
export let onSessionEnd: (flow: Flow) => void = (_flow: Flow): void => {};
export function setOnSessionEnd(callback: (flow: Flow) => void): void {
  onSessionEnd = callback;
}

/**
 * Whether a SYN starts a new conversation on the old one's addresses and ports; tcp/tcp.ts sets it (tcpInit). `dir` is the
 * SYN's direction in the old flow.
 */
export let reuses: (flow: Flow, packet: usize, dir: u32) => bool = (_flow: Flow, _packet: usize, _dir: u32): bool => false;
export function setReuses(callback: (flow: Flow, packet: usize, dir: u32) => bool): void {
  reuses = callback;
}
