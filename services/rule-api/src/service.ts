import type { ServiceDefinition } from "@secuxflow/service-kit";
import { RuleApiModule } from "./app.module.js";
import { RuleApiConfig } from "./config.js";
import { serveDocs } from "./http/docs.js";
import { malformedUrl } from "./http/problem-filter.js";
import { BODY_LIMIT_BYTES } from "./http/limits.js";
import { setupHttp } from "./http/setup.js";
import { makeParts, type Parts } from "./parts.js";

export const VERSION = "0.1.0";

/** The service as the kit runs it. */
export function ruleApi(): ServiceDefinition<RuleApiConfig> {
  let parts: Parts | undefined;
  return {
    name: "rule-api",
    version: VERSION,
    description: "The policy aggregate behind REST",
    schema: RuleApiConfig,
    http: ({ api }) => ({ host: api.host, port: api.port, bodyLimitBytes: BODY_LIMIT_BYTES, malformedUrl }),
    module: (kit) => {
      parts = makeParts(kit);
      return RuleApiModule.of(parts);
    },
    configure: (app, { config, logger }) => {
      setupHttp(app, config.api, logger);
      serveDocs(app, VERSION);
    },
    started: () => parts?.start(),
  };
}
