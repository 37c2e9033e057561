import { closeSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { stringify } from "yaml";
import { describeConfig } from "../config/describe.js";
import { ConfigError } from "../config/errors.js";
import { loadConfig, type LoadedConfig } from "../config/load.js";
import { inputSchema, settingsOf, type EnvMap } from "../config/settings.js";
import { createRedactor } from "../logging/redact.js";
import { helpText, parseArguments, UsageError, type ServiceArguments } from "./arguments.js";
import { BASE_ENV_MAP, type BaseConfig } from "./base-config.js";
import type { ServiceDefinition, ServiceKit } from "./definition.js";
import { ListenError } from "./http.js";
import { createKit, startService, stopService, type RunningService } from "./start.js";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * The main program of a service: reads arguments and configuration, starts it, says when it is ready and ends it on
 * SIGTERM or SIGINT. It exits with 0 when it was stopped, 1 when it failed or did not stop in time, 2 when its arguments
 * or its configuration are wrong.
 */
export async function runService<C extends BaseConfig>(definition: ServiceDefinition<C>): Promise<void> {
  const envMap = { ...BASE_ENV_MAP, ...definition.envMap };
  let args: ServiceArguments;
  let loaded: LoadedConfig<C>;
  try {
    args = parseArguments(process.argv.slice(2));
    if (args.action === "help") return print(helpText(definition, describeConfig(definition.schema, { envMap })));
    if (args.action === "version") return print(`${definition.name} ${definition.version}\n`);
    loaded = loadConfig({ schema: definition.schema, envMap, ...(args.config !== undefined && { file: args.config }) });
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof UsageError)) throw error;
    process.stderr.write(`${definition.name}: ${error.message}\n`);
    process.exit(EXIT_USAGE);
  }
  if (args.action === "check-config") {
    for (const warning of loaded.warnings) process.stderr.write(`${definition.name}: warning: ${warning}\n`);
    return print(shownConfig(definition, loaded, envMap));
  }
  await run(definition, loaded, args.readyFd);
}

async function run<C extends BaseConfig>(definition: ServiceDefinition<C>, loaded: LoadedConfig<C>, readyFd: number | undefined): Promise<void> {
  const kit = createKit(definition, loaded.value, { secrets: loaded.secrets });
  const { logger } = kit;
  for (const warning of loaded.warnings) logger.warn(warning);
  exitOnCrash(kit);
  stopOnSignals(kit);
  logger.info({ version: definition.version, pid: process.pid, config: loaded.file ?? "none" }, "starting");
  try {
    ready(await startService(definition, kit), readyFd);
  } catch (error) {
    if (stopping) return; // the handler of the signal ends the process
    if (error instanceof ListenError) logger.fatal(error.message);
    else logger.fatal({ err: error }, "did not start");
    process.exit(EXIT_FAILED);
  }
}

/** Tells whoever started this process that it works, and where: one line of JSON. */
function ready<C extends BaseConfig>(service: RunningService<C>, readyFd: number | undefined): void {
  const { info, logger } = service.kit;
  const line = JSON.stringify({
    event: "ready",
    service: info.name,
    instance: info.instance,
    version: info.version,
    pid: process.pid,
    ops: service.opsUrl,
    ...(service.httpUrl !== undefined && { http: service.httpUrl }),
  });
  process.stdout.write(`${line}\n`);
  if (readyFd !== undefined) {
    try {
      writeSync(readyFd, `${line}\n`);
      closeSync(readyFd);
    } catch (error) {
      logger.warn({ err: error, readyFd }, "could not write the ready line to the descriptor of --ready-fd");
    }
  }
  logger.info({ ops: service.opsUrl, ...(service.httpUrl !== undefined && { http: service.httpUrl }) }, "ready");
}

let stopping = false;

function stopOnSignals<C extends BaseConfig>(kit: ServiceKit<C>): void {
  const onSignal = (signal: "SIGTERM" | "SIGINT") => {
    if (stopping) {
      kit.logger.warn({ signal }, "second signal: exiting at once");
      process.exit(128 + constants.signals[signal]);
    }
    stopping = true;
    kit.logger.info({ signal }, "stopping");
    void stopService(kit).then((report) => {
      kit.logger.info({ outcome: report.outcome }, "stopped");
      process.exit(report.outcome === "done" ? 0 : EXIT_FAILED);
    });
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

/** After an error that nobody caught the state is unknown: say what it was and let the supervisor start anew. */
function exitOnCrash<C extends BaseConfig>({ logger }: ServiceKit<C>): void {
  const crash = (kind: string) => (error: unknown) => {
    logger.fatal({ err: error instanceof Error ? error : new Error(String(error)) }, kind);
    process.exit(EXIT_FAILED);
  };
  process.on("uncaughtException", crash("uncaught exception"));
  process.on("unhandledRejection", crash("unhandled rejection"));
}

function print(text: string): void {
  process.stdout.write(text);
}

/** The settings in force as YAML, secrets hidden. */
function shownConfig<C extends BaseConfig>(definition: ServiceDefinition<C>, loaded: LoadedConfig<C>, envMap: EnvMap): string {
  const hidden = structuredClone(loaded.value) as Record<string, unknown>;
  for (const setting of settingsOf(inputSchema(definition.schema), "SECUXFLOW_", envMap)) {
    if (setting.secret) hide(hidden, setting.path);
  }
  return createRedactor(loaded.secrets)(stringify(hidden));
}

function hide(data: Record<string, unknown>, path: readonly string[]): void {
  const [key, ...rest] = path;
  if (key === undefined || data[key] === undefined) return;
  if (rest.length === 0) data[key] = "[secret]";
  else hide(data[key] as Record<string, unknown>, rest);
}
