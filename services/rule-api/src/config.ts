import { AddressError, DEFAULT_API_PORT, DEFAULT_POLICY, formatPrefix, parsePrefix, TOKEN_PATTERN } from "@secuxflow/contracts";
import { natsSettings } from "@secuxflow/nats";
import { listenPort, secret, serviceSchema } from "@secuxflow/service-kit";
import { z } from "zod";
import { isLoopback } from "./http/access.js";

const port = z.int().min(1).max(65_535);

const prefix = z.string().superRefine((text, context) => {
  try {
    parsePrefix(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

/** Everything that can be configured. `--help` and README list it. */
export const RuleApiConfig = serviceSchema({
  policy: z
    .string()
    .regex(TOKEN_PATTERN, "Expected 1 to 64 letters, digits, _ or -")
    .default(DEFAULT_POLICY)
    .describe("the policy that is served"),
  api: z
    .object({
      host: z.string().min(1).default("127.0.0.1").describe("address of the REST API; another than loopback needs api.token"),
      port: listenPort().default(DEFAULT_API_PORT).describe("port of the REST API"),
      token: secret()
        .min(16, "Expected 16 characters or more")
        .meta({ secret: true })
        .optional()
        .describe("bearer token that every request must carry"),
      allowedHosts: z.array(z.string().min(1).max(253)).max(64).default([]).describe("more host names that the API is called by"),
      maxWatchers: z.int().min(1).max(10_000).default(64).describe("clients that may watch alerts at the same time"),
    })
    .prefault({}),
  nats: natsSettings.prefault({}),
  managementPrefixes: z
    .array(prefix)
    .max(64)
    .default(["127.0.0.0/8", "::1"])
    .describe("addresses that administration comes from: a rule that drops them asks for confirmation"),
  managementPorts: z
    .array(port)
    .max(64)
    .default([22, 4_222, DEFAULT_API_PORT])
    .describe("TCP ports that administration uses: a rule that drops one of them everywhere asks for confirmation"),
}).superRefine(({ api }, context) => {
  if (isLoopback(api.host) || api.token !== undefined) return;
  context.addIssue({
    code: "custom",
    path: ["api", "host"],
    message: `${api.host} can be reached from other machines, and no token is set: set api.token (SECUXFLOW_API_TOKEN or SECUXFLOW_API_TOKEN_FILE), or listen on 127.0.0.1`,
  });
});
export type RuleApiConfig = z.output<typeof RuleApiConfig>;

/** Prefixes in canonical text. */
export const canonicalPrefixes = (texts: readonly string[]): string[] => texts.map((text) => formatPrefix(parsePrefix(text)));
