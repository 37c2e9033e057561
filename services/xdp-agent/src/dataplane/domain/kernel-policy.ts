import { rulesInOrder, type PolicyState } from "@secuxflow/contracts";
import type { KernelPolicy } from "./encode.js";
import { KERNEL_LIMITS } from "./layout.js";

/** A policy that the kernel maps cannot hold, or that names what is not there. The last good policy stays in force. */
export class PolicyNotApplicable extends Error {
  override readonly name = "PolicyNotApplicable";
}

/** What of a policy goes into the kernel. Throws PolicyNotApplicable where it exceeds the compiled limits. */
export function kernelPolicy(state: PolicyState, revision: number): KernelPolicy {
  const rules = rulesInOrder(state);
  if (rules.length > KERNEL_LIMITS.rules || state.forwards.size > KERNEL_LIMITS.forwards) {
    throw new PolicyNotApplicable(
      `revision ${revision} has ${rules.length} rules and ${state.forwards.size} forwarding rules; this agent holds ${KERNEL_LIMITS.rules} and ${KERNEL_LIMITS.forwards}`,
    );
  }
  const forwards = [...state.forwards.values()].sort((a, b) => a.id - b.id).map((forward) => {
    const module = state.modules.get(forward.module);
    if (!module) throw new PolicyNotApplicable(`revision ${revision}: forwarding rule ${forward.id} names module ${forward.module}, which the policy does not have`);
    return { ...forward, moduleBit: module.bit };
  });
  return { revision, rules, forwards };
}
