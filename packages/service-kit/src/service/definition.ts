import type { DynamicModule, Type } from "@nestjs/common";
import type { NestFastifyApplication } from "@nestjs/platform-fastify";
import type { z } from "zod";
import type { EnvMap } from "../config/settings.js";
import type { HealthRegistry } from "../health/registry.js";
import type { Logger } from "../logging/logger.js";
import type { Metrics } from "../metrics/metrics.js";
import type { BaseConfig } from "./base-config.js";
import type { ShutdownSequence } from "./shutdown.js";
import type { ServiceInfo } from "./tokens.js";

/**
 * The order in which a service ends: take nothing new; finish what was taken; close connections and files; then Nest's
 * own hooks (`onModuleDestroy`, `onApplicationShutdown`), which find connections closed.
 */
export const SHUTDOWN_PHASES = ["intake", "drain", "close", "framework"] as const;
export type ShutdownPhase = (typeof SHUTDOWN_PHASES)[number];
export type ServiceShutdown = ShutdownSequence<ShutdownPhase>;

/** What the kit gives to a service. The same parts can be injected: see tokens.ts. */
export interface ServiceKit<C extends BaseConfig> {
  info: ServiceInfo;
  config: C;
  logger: Logger;
  health: HealthRegistry;
  metrics: Metrics;
  shutdown: ServiceShutdown;
}

/** Where and how a service's own HTTP API listens. */
export interface HttpApi {
  host: string;
  port: number;
  bodyLimitBytes?: number;
  /** the answer to a URL that cannot be decoded; no route, hook or filter ever sees such a request. Default: Fastify's own */
  malformedUrl?: (url: string) => { status: number; type: string; body: string };
}

/** A service, as its main.ts declares it. */
export interface ServiceDefinition<C extends BaseConfig> {
  /** such as `rule-api` */
  name: string;
  version: string;
  /** one sentence for `--help` */
  description: string;
  /** made with `serviceSchema` */
  schema: z.ZodType<C>;
  /** other names of environment variables, by dotted path; added to those of the base settings */
  envMap?: EnvMap;
  /** the service itself */
  module: (kit: ServiceKit<C>) => DynamicModule | Type | Promise<DynamicModule | Type>;
  /** where its own HTTP API listens; without it no HTTP server but the operations endpoints is opened */
  http?: (config: C) => HttpApi;
  /** runs before the application starts to listen: Swagger, filters, `connectMicroservice` */
  configure?: (app: NestFastifyApplication, kit: ServiceKit<C>) => unknown;
  /** runs when it listens and before it is called ready: start consumers here */
  started?: (app: NestFastifyApplication, kit: ServiceKit<C>) => unknown;
}
