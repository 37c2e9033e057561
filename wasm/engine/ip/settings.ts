// Settings of defragmentation, by their meaning in suricata.yaml under `defrag`.

/** Seconds from a datagram's first fragment. */
export let defragTimeoutSec: u32 = 60;
/** Datagrams at once, bytes of all together, and pieces of one. */
export let defragTrackersMax: u32 = 16384;
export let defragBytesMax: u32 = 16 << 20;
export let piecesMax: u32 = 2048;
/** Exception policy (EXCEPTION_ of tcp/settings.ts) when memory is short, and the fragment for which to pretend that. */
export let defragPolicyOnMemcap: u32 = 0;
export let defragSimulateAt: u32 = 0;
/** Fragments whose IPv4 header checksum is wrong are left out. */
export let checksumOkForFragments: bool = true;

export function setDefragLimits(timeoutSec: u32, trackers: u32, bytes: u32, pieces: u32): void {
  defragTimeoutSec = timeoutSec;
  defragTrackersMax = max<u32>(trackers, 1);
  defragBytesMax = bytes;
  piecesMax = max<u32>(pieces, 4);
}
export function setDefragMemcapPolicy(policy: u32, simulateAt: u32): void {
  defragPolicyOnMemcap = policy;
  defragSimulateAt = simulateAt;
}
export function setFragmentChecksums(on: bool): void {
  checksumOkForFragments = on;
}
