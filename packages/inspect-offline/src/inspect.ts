import { eveEvent } from "@secuxflow/eve";
import type { EveOptions, EventPacket, JsonObject } from "@secuxflow/eve";
import { loadModule, ModuleInstance } from "@secuxflow/module-host";
import type { LoadedModule } from "@secuxflow/module-host";
import { LinkType } from "@secuxflow/pcap";
import type { CapturedPacket } from "@secuxflow/pcap";
import type { RuleSet, RuleTexts } from "@secuxflow/rule-image";
import { batchesOf } from "./batches.js";

/** What was inspected so far. */
export interface OfflineStats {
  packets: number;
  /** On the wire, as far as captured. */
  bytes: number;
  /** Distinct flows, both directions together; counted up to a million. */
  flows: number;
  /** Findings that the module had no room for. */
  findingsDropped: number;
}

export interface OfflineOptions {
  readonly module: Uint8Array | LoadedModule;
  /** Instead of those that the module brings along. */
  readonly rules?: RuleSet;
  /** Lines `key=value` for the module. */
  readonly configure?: string;
  readonly eve?: EveOptions;
  /** Told after each batch; the same object every time. */
  readonly onProgress?: (stats: Readonly<OfflineStats>) => void;
  /** Ends it early, at the end of a batch. */
  readonly signal?: AbortSignal;
}

const NO_TEXTS: RuleTexts = new Map();
const MAX_FLOWS = 1_000_000;

/**
 * Runs a capture through a fresh instance of a module, just as an inspector would, and gives its findings as EVE events in
 * the order of the packets. When the capture ends, so do all of its flows; so they do where it cannot be read on.
 * @throws ModuleRejected | ModuleTrapped | ModuleLied from the module, CaptureError from the capture (events before are given)
 */
export async function* inspectCapture(packets: Iterable<CapturedPacket>, options: OfflineOptions): AsyncGenerator<JsonObject> {
  const loaded = options.module instanceof Uint8Array ? loadModule(options.module) : options.module;
  const stats: OfflineStats = { packets: 0, bytes: 0, flows: 0, findingsDropped: 0 };
  const flows = options.onProgress === undefined ? undefined : new Set<bigint>();
  let instance: ModuleInstance | undefined;
  let last: EventPacket | undefined;
  let texts = NO_TEXTS;
  let failure: { readonly error: unknown } | undefined;
  const batches = batchesOf(packets);
  for (;;) {
    const batch = take(batches);
    if ("error" in batch) failure = batch;
    if (!("bytes" in batch)) break;
    instance ??= await start(loaded, options, batch.packets[0]?.link?.type ?? LinkType.ETHERNET);
    texts = instance.ruleSet?.texts ?? NO_TEXTS;
    for (const finding of instance.inspect(batch.bytes, 1)) {
      const packet = batch.packets[finding.recordIndex];
      if (packet !== undefined) yield eveEvent(finding, packet, texts, options.eve);
    }
    last = batch.packets.at(-1);
    if (flows !== undefined) {
      count(batch.packets, stats, flows);
      stats.findingsDropped = instance.stats.findingsDropped;
      options.onProgress?.(stats);
    }
    if (options.signal !== undefined) {
      // Signals of the process are heard only when the event loop has its turn.
      await new Promise((resolve) => setImmediate(resolve));
      if (options.signal.aborted) return;
    }
  }
  if (instance !== undefined && last !== undefined) {
    // What the end of the flows brings to light belongs to no packet: the module names its addresses.
    const { captureIndex: _none, link: _link, ...end } = last;
    for (const finding of instance.flush()) yield eveEvent(finding, { ...end, data: new Uint8Array() }, texts, options.eve);
  }
  if (failure !== undefined) throw failure.error;
}

/** The next batch, nothing at the end, or why there is none. */
function take<T extends object>(batches: Iterator<T, void>): T | { readonly done: true } | { readonly error: unknown } {
  try {
    const next = batches.next();
    return next.done === true ? { done: true } : next.value;
  } catch (error) {
    return { error };
  }
}

function count(packets: readonly EventPacket[], stats: OfflineStats, flows: Set<bigint>): void {
  stats.packets += packets.length;
  for (const { data, flowId, family } of packets) {
    stats.bytes += data.byteLength;
    if (family !== 0 && flows.size < MAX_FLOWS) flows.add(flowId);
  }
  stats.flows = flows.size;
}

function start(module: LoadedModule, { rules, configure = "" }: OfflineOptions, linkType: number): Promise<ModuleInstance> {
  // What a module does not ask for it need not know: most captures are Ethernet, as live traffic is.
  const link = linkType === LinkType.ETHERNET ? "" : `link-type=${linkType}`;
  const lines = [configure, link].filter((line) => line !== "").map((line) => `${line}\n`);
  return ModuleInstance.create(module, { configure: lines.join(""), ...(rules !== undefined && { rules }) });
}
