// One conversation between two endpoints.

/** Flow.state. */
export const FLOW_NEW: u32 = 0;
export const FLOW_ESTABLISHED: u32 = 1;
export const FLOW_CLOSED: u32 = 2;

/** Flow.flags. The engine may set any of the first eight; the others are this room's. */
export const FF_DROP: u32 = 1; // drop what still comes
export const FF_PASS: u32 = 2; // a pass rule or policy: no detection
export const FF_NO_INSPECT: u32 = 4; // no payload inspection, no reassembly
export const FF_BYPASS: u32 = 8; // nothing more is done with it but counting
export const FF_REJECT: u32 = 16;
export const FF_NO_STREAM: u32 = 32; // no reassembly any more in either direction, TCP state is still tracked
export const FF_USER1: u32 = 64;
export const FF_USER2: u32 = 128;
export const FF_TO_SERVER_SEEN: u32 = 256;
export const FF_TO_CLIENT_SEEN: u32 = 512;
export const FF_ESTABLISHED_SEEN: u32 = 1024;
export const FF_MIDSTREAM: u32 = 2048;
export const FF_SWAPPED: u32 = 4096; // the first packet seen was the server's
export const FF_ENDED_TO_SERVER: u32 = 8192; // onStreamEnd was called
export const FF_ENDED_TO_CLIENT: u32 = 16384;
export const FF_ENDING: u32 = 32768; // the flow is being given back

/** Why a flow ended: the argument of onFlowEnd. */
export const END_TIMEOUT: u32 = 0;
export const END_EVICTED: u32 = 1;
export const END_REUSED: u32 = 2;
export const END_SHUTDOWN: u32 = 3;

@unmanaged
export class Flow {
  /** Initiator and responder: to the server is from `client` to `server`. Wire order, IPv4 mapped. */
  client0: u64;
  client1: u64;
  server0: u64;
  server1: u64;
  clientPort: u32;
  serverPort: u32;
  proto: u32;
  family: u32;
  /** Part of the key when vlan tracking is on. */
  vlan: u32;
  vlan1: u32;
  depth: u32;
  hash: u32;
  /** Counts up from 1 over the life of the module: tells flows apart that reuse memory. */
  id: u64;
  startNs: u64;
  lastNs: u64;
  state: u32;
  flags: u32;
  packetsToServer: u32;
  packetsToClient: u32;
  bytesToServer: u64;
  bytesToClient: u64;
  /** TcpSession of a TCP flow, see tcp/session.ts; 0 without. */
  session: usize;
  /** Application protocol (PROTO_ of core/tx.ts): agreed, and what each direction looked like. */
  app: u8;
  appToServer: u8;
  appToClient: u8;
  /** Free for protocol detection. */
  appDetect: u8;
  appFlags: u32;
  /** The protocol parser's state, and its transactions: Tx records, oldest first. */
  appState: usize;
  txHead: usize;
  txTail: usize;
  txCount: u32;
  /** Free for the engine (flowbits, alerts seen, detection state); freed by it in onFlowEnd. */
  user0: usize;
  user1: usize;
  user2: usize;
  user3: usize;
  user4: usize;
  user5: usize;
  user6: usize;
  user7: usize;
  /** This room's own: hash chain, LRU list of its timeout class, when it was last moved there. */
  chain: usize;
  lruNext: usize;
  lruPrev: usize;
  lruClass: u32;
  lruSec: u32;
  icmpType: u32;
}

/** Packets in the direction, 0 to the server. */
// @ts-ignore: decorator
@inline export function flowPackets(flow: Flow, dir: u32): u32 {
  return dir == 0 ? flow.packetsToServer : flow.packetsToClient;
}
