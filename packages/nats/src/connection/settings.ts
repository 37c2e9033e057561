import { z } from "zod";
import type { NatsCredentials } from "./options.js";

/** The settings by which every service reaches NATS: the section `nats` of its configuration. `meta.secret` is service-kit's mark. */
export const natsSettings = z.object({
  urls: z.string().min(1).default("nats://127.0.0.1:4222").describe("NATS servers, separated by commas"),
  user: z.string().min(1).optional().describe("user name, where NATS asks for one"),
  password: z.string().min(4, "Expected 4 characters or more").meta({ secret: true }).optional().describe("password, where NATS asks for one"),
  nkeyFile: z.string().min(1).optional().describe("file with an nkey seed"),
  credsFile: z.string().min(1).optional().describe("credentials file of nsc"),
});
export type NatsSettings = z.output<typeof natsSettings>;

/** The options of `connectNats` that the settings stand for. */
export function natsOptions({ urls, user, password, nkeyFile, credsFile }: NatsSettings): { urls: string; credentials?: NatsCredentials } {
  if (credsFile !== undefined) return { urls, credentials: { credsFile } };
  if (nkeyFile !== undefined) return { urls, credentials: { nkeyFile } };
  if (user !== undefined) return { urls, credentials: { user, password: password ?? "" } };
  return { urls };
}
