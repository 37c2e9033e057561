// Connections that FTP announces: the next one to that address and port carries a file.

import { AppConn } from "../app/conn";
import { Flow } from "../flow/flow";
import { FlowState } from "./flow-state";

const ROOM: u32 = 64;
/** Entries of 32 bytes: address (16), port u32, the announcing flow and its id (flows are used again, ids are not). */
const table = memory.data(2048, 8);
let next: u32 = 0;

/** Hook of the parsers: see app/conn.ts. */
export function expectData(conn: usize, _tx: usize, address: usize, port: u32, toServer: u32): void {
  const owner = changetype<AppConn>(conn).owner;
  if (owner == 0 || port == 0) return;
  const f = changetype<Flow>(owner);
  const entry = table + (<usize>next << 5);
  next = (next + 1) % ROOM;
  // Without an address it is the connection's own: the server's for PASV, the client's for PORT.
  if ((load<u64>(address) | load<u64>(address, 8)) == 0) {
    store<u64>(entry, toServer != 0 ? f.server0 : f.client0);
    store<u64>(entry, toServer != 0 ? f.server1 : f.client1, 8);
  } else {
    memory.copy(entry, address, 16);
  }
  store<u32>(entry, port, 16);
  store<usize>(entry, owner, 20);
  store<u64>(entry, f.id, 24);
}

/** The connection that announced it, as long as it is there. */
export let announcer: usize = 0;

/** Whether the flow's server side was announced; an announcement counts once. */
export function expectedData(f: Flow): bool {
  announcer = 0;
  for (let i: u32 = 0; i < ROOM; i++) {
    const entry = table + (<usize>i << 5);
    if (load<u32>(entry, 16) != f.serverPort || load<u64>(entry) != f.server0 || load<u64>(entry, 8) != f.server1) continue;
    store<u32>(entry, 0, 16);
    const control = changetype<Flow>(load<usize>(entry, 20));
    if (control.id == load<u64>(entry, 24) && control.user0 != 0) announcer = changetype<FlowState>(control.user0).app;
    return true;
  }
  return false;
}
