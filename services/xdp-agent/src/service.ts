import type { ServiceDefinition } from "@secuxflow/service-kit";
import { XdpAgentModule } from "./app.module.js";
import { AgentConfig } from "./config.js";
import { makeParts, type Parts } from "./parts.js";

export const VERSION = "0.1.0";

/** The service as the kit runs it. */
export function xdpAgent(): ServiceDefinition<AgentConfig> {
  let parts: Parts | undefined;
  return {
    name: "xdp-agent",
    version: VERSION,
    description: "Folds the policy into BPF maps and publishes sampled packets",
    schema: AgentConfig,
    module: (kit) => {
      parts = makeParts(kit, VERSION);
      return XdpAgentModule;
    },
    started: () => parts?.start(),
  };
}
