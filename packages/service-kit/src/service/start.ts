import type { ServerResponse } from "node:http";
import { Module, type DynamicModule, type Type } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { HealthRegistry } from "../health/registry.js";
import { createLogger, type Logger } from "../logging/logger.js";
import { NestLogger } from "../logging/nest-logger.js";
import { createRedactor } from "../logging/redact.js";
import { Metrics } from "../metrics/metrics.js";
import { OperationsModule } from "../operations/operations.module.js";
import type { BaseConfig } from "./base-config.js";
import { SHUTDOWN_PHASES, type HttpApi, type ServiceDefinition, type ServiceKit } from "./definition.js";
import { httpShutdown, listen } from "./http.js";
import { ShutdownSequence, type ShutdownReport } from "./shutdown.js";
import { SERVICE_CONFIG, SERVICE_INFO, SERVICE_LOGGER, type ServiceInfo } from "./tokens.js";

const DEFAULT_BODY_LIMIT = 1024 * 1024;
const OPS_BODY_LIMIT = 1024;
const MAX_HTTP_GRACE_MS = 5_000;

/** A service that runs in this process. */
export interface RunningService<C extends BaseConfig> {
  kit: ServiceKit<C>;
  app: NestFastifyApplication;
  /** base URL of health and metrics */
  opsUrl: string;
  /** base URL of its own API, if it has one */
  httpUrl: string | undefined;
  /** ends it in order; never throws */
  stop: () => Promise<ShutdownReport>;
}

/** Makes what the kit gives to a service, before anything of it runs. */
export function createKit<C extends BaseConfig>(
  definition: Pick<ServiceDefinition<C>, "name" | "version">,
  config: C,
  options: { secrets?: readonly string[]; logger?: Logger } = {},
): ServiceKit<C> {
  const info: ServiceInfo = { name: definition.name, instance: config.instance, version: definition.version };
  const redact = createRedactor(options.secrets);
  const logger = options.logger ?? createLogger({ service: info.name, instance: info.instance, ...config.log, redact });
  const shutdown = new ShutdownSequence(SHUTDOWN_PHASES);
  return { info, config, logger, health: new HealthRegistry(redact), metrics: new Metrics(info.name), shutdown };
}

/**
 * Starts a service inside this process, without signals and exits (tests use it; `runService` adds those).
 * When it fails everything that was opened is closed again before the error is thrown.
 */
export async function startService<C extends BaseConfig>(
  definition: ServiceDefinition<C>,
  kit: ServiceKit<C>,
): Promise<RunningService<C>> {
  const stop = () => stopService(kit);
  try {
    return { kit, stop, ...(await start(definition, kit)) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What is used of a request and a reply that never reached a route. */
interface BareRequest {
  raw: { url?: string };
}
interface BareReply {
  hijack(): unknown;
  raw: ServerResponse;
}

async function start<C extends BaseConfig>(definition: ServiceDefinition<C>, kit: ServiceKit<C>) {
  const { config, logger, shutdown } = kit;
  const nestLogger = new NestLogger(logger);
  const graceMs = Math.min(MAX_HTTP_GRACE_MS, config.shutdown.deadline / 2);

  const create = async (module: DynamicModule, bodyLimit: number, malformedUrl?: HttpApi["malformedUrl"]) => {
    const adapter = new FastifyAdapter({
      bodyLimit,
      ...(malformedUrl && {
        frameworkErrors: (_error: Error, request: BareRequest, reply: BareReply) => {
          const { status, type, body } = malformedUrl(request.raw.url ?? "");
          reply.hijack();
          reply.raw.writeHead(status, { "content-type": type }).end(body);
        },
      }),
    });
    return NestFactory.create<NestFastifyApplication>(module, adapter, { logger: nestLogger, abortOnError: false });
  };

  const opsApp = await create(OperationsModule.forRoot({ info: kit.info, health: kit.health, metrics: kit.metrics }), OPS_BODY_LIMIT);
  const apps = [opsApp]; // closed from the last to the first: health can be read until the end
  shutdown.add("framework", "nest", async () => {
    for (const opened of apps.reverse()) await opened.close();
  });
  const opsUrl = await listen(opsApp, config.ops.host, config.ops.port, "ops");
  logger.debug({ opsUrl }, "operations endpoints listen");

  const api = definition.http?.(config);
  const app = await create(rootModule(kit, await definition.module(kit)), api?.bodyLimitBytes ?? DEFAULT_BODY_LIMIT, api?.malformedUrl);
  apps.push(app);
  await definition.configure?.(app, kit);
  let httpUrl: string | undefined;
  if (api) {
    const http = httpShutdown(app, graceMs);
    httpUrl = await listen(app, api.host, api.port, "http");
    shutdown.add("intake", "http", http.stop);
    shutdown.add("drain", "http", http.drained);
  } else {
    await app.init();
  }
  await definition.started?.(app, kit);
  if (shutdown.started) throw new Error("stopped while starting");
  kit.health.phase = "ready";
  return { app, opsUrl, httpUrl };
}

/** Ends a service in its declared order and logs what went wrong meanwhile; asked again, it gives the same answer. Never throws. */
export async function stopService<C extends BaseConfig>({ config, health, logger, shutdown }: ServiceKit<C>): Promise<ShutdownReport> {
  health.phase = "stopping";
  const report = await shutdown.run({
    deadlineMs: config.shutdown.deadline,
    listener: { phase: (phase, tasks) => logger.debug({ phase, tasks }, "shutdown phase") },
  });
  for (const { phase, task, error } of report.errors) logger.error({ err: error, phase, task }, "a part did not stop cleanly");
  if (report.outcome === "deadline") {
    logger.error({ deadlineMs: config.shutdown.deadline, pending: report.pending }, "parts did not stop in time");
  }
  return report;
}

@Module({})
class ServiceKitModule {}

@Module({})
class RootModule {}

/** The service's module below a global one that provides the parts of the kit. */
function rootModule<C extends BaseConfig>(kit: ServiceKit<C>, service: DynamicModule | Type): DynamicModule {
  const providers = [
    { provide: SERVICE_INFO, useValue: kit.info },
    { provide: SERVICE_CONFIG, useValue: kit.config },
    { provide: SERVICE_LOGGER, useValue: kit.logger },
    { provide: HealthRegistry, useValue: kit.health },
    { provide: Metrics, useValue: kit.metrics },
    { provide: ShutdownSequence, useValue: kit.shutdown },
  ];
  const global: DynamicModule = { module: ServiceKitModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
  return { module: RootModule, imports: [global, service] };
}
