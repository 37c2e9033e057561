import type { ServiceDefinition } from "@secuxflow/service-kit";
import { InspectorModule } from "./app.module.js";
import { InspectorConfig } from "./config.js";
import { makeParts, type Parts } from "./parts.js";

const VERSION = "0.1.0";

/** The service as the kit runs it. */
export function inspector(): ServiceDefinition<InspectorConfig> {
  let parts: Parts | undefined;
  return {
    name: "inspector",
    version: VERSION,
    description: "Runs WASM modules over forwarded flows",
    schema: InspectorConfig,
    module: (kit) => {
      parts = makeParts(kit);
      return InspectorModule;
    },
    started: () => parts?.start(),
  };
}
