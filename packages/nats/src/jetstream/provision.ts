import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { apiCode, NatsUnavailable, reasonOf } from "../connection/errors.js";
import type { NatsLink } from "../connection/link.js";
import { differences, type Difference } from "./differences.js";
import { DEFINITIONS, type StreamDefinition } from "./definitions.js";

const STREAM_NOT_FOUND = 10_059;
const NAME_IN_USE = 10_058;

/** A stream on the server is not what this build needs. Nothing was changed. */
export class ProvisionError extends Error {
  override readonly name = "ProvisionError";
  constructor(
    readonly resource: string,
    readonly differences: readonly Difference[],
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${resource}: ${reason}`, options);
  }
}

export interface ProvisionOptions {
  /** Copies of each stream in a cluster; default 1. A stream that has more is fine. */
  readonly replicas?: number;
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for NATS; default: for ever. */
  readonly timeoutMs?: number;
}

/**
 * Makes every stream and bucket that is missing, then reads each configuration back and compares it. Several services may
 * do it at the same time. Nothing that exists is changed: what differs is told.
 * @throws ProvisionError naming each difference; NatsUnavailable after `timeoutMs`
 */
export async function provision(link: NatsLink, options: ProvisionOptions = {}): Promise<void> {
  const deadline = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
  for (const definition of withReplicas(options.replicas ?? 1)) {
    for (;;) {
      const left = deadline - performance.now();
      const { signal } = options;
      await link.connected({
        what: `preparing ${definition.config.name}`,
        ...(Number.isFinite(left) && { timeoutMs: Math.max(left, 1) }),
        ...(signal !== undefined && { signal }),
      });
      try {
        await ensure(link, definition);
        break;
      } catch (error) {
        // JetStream answers a little later than the server takes connections; a broken connection comes back.
        if (error instanceof ProvisionError || performance.now() > deadline) throw error;
        link.log.debug({ stream: definition.config.name, reason: reasonOf(error) }, "preparing a stream failed, trying again");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

const withReplicas = (replicas: number): StreamDefinition[] =>
  DEFINITIONS.map((definition) => ({ ...definition, config: { ...definition.config, num_replicas: replicas } }));

async function ensure(link: NatsLink, definition: StreamDefinition): Promise<void> {
  const { name } = definition.config;
  const manager = await link.manager(`preparing ${name}`);
  const found = (await existing(manager, name)) ?? (await created(manager, definition));
  const wrong = differences(definition, found);
  if (wrong.length === 0) return;
  const list = wrong.map(({ field, wanted, actual }) => `${field} is ${actual}, needed is ${wanted}`).join("; ");
  throw new ProvisionError(
    name,
    wrong,
    `${list}. Nothing was changed: set it right with the nats tool (nats stream edit ${name}), ` +
      "or let a nats-server of its own serve SecuXFlow",
  );
}

async function existing(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (apiCode(error) === STREAM_NOT_FOUND) return undefined;
    throw unlessAnswer(name, error);
  }
}

async function created(manager: JetStreamManager, { config }: StreamDefinition): Promise<StreamConfig> {
  try {
    await manager.streams.add(config);
  } catch (error) {
    // Another service was faster, perhaps with other numbers: what it made is looked at below.
    if (apiCode(error) !== NAME_IN_USE) throw unlessAnswer(config.name, error);
  }
  return (await manager.streams.info(config.name)).config;
}

/** An answer of JetStream is final; no answer means trying again. */
function unlessAnswer(name: string, error: unknown): Error {
  if (apiCode(error) !== undefined) {
    return new ProvisionError(name, [], `nats-server refuses it: ${reasonOf(error)}; look at its log and its JetStream limits`, {
      cause: error,
    });
  }
  return new NatsUnavailable(`preparing ${name}`, reasonOf(error), true, { cause: error });
}
