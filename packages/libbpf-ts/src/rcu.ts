/** RCU grace periods: when what programs no longer find may be used again. */
import { check } from "./call.js";
import { native } from "./native.js";

/**
 * Resolves when every program that was running at the call has ended (programs run inside RCU read sides), so that memory
 * or slots which new runs no longer reach can be written anew. Waits off the event loop, 10 to 30 ms as a rule, by
 * membarrier(2) with MEMBARRIER_CMD_GLOBAL, which needs no privileges.
 * @throws {BpfError} EINVAL: a kernel with nohz_full cores does not offer it
 */
export async function rcuGracePeriod(): Promise<void> {
  check(await native().rcuGracePeriod(), "wait for", "an RCU grace period");
}
