import { routes, type Alert, type DetectionList } from "@secuxflow/contracts";
import type { CommandSpec, Options } from "../command.js";
import { warn } from "../command.js";
import { Values, type Context } from "../context.js";
import { ApiProblem, ApiUnreachable, CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { flagOf } from "../input/flags.js";
import { printOfMany } from "../output/format.js";
import type { Detection } from "../offline/events.js";
import { counted } from "../text/numbers.js";
import { text } from "./common.js";

/** Detections lie in a database behind the API, which may take its time. */
const DETECTIONS_MS = 10_000;
const PART = 500;
/** How often it is looked for new ones. */
const FOLLOW_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
/** A capture that is written at once; `alert pcap` writes one of any length. */
const MOST_CAPTURE_BYTES = 256 * 1024 * 1024;

const ID: NonNullable<CommandSpec["argument"]> = { name: "id", description: "number of the alert", complete: "alerts" };

export const EXPORT: CommandSpec = {
  name: "export",
  summary: "print what was found as EVE JSON, one event a line",
  description:
    "Print what was found as EVE JSON, one event a line, in the order it was stored, for jq and for tools that read Suricata's eve.json. " +
    "With --follow it goes on as more is found, until Ctrl-C; a lost connection is made again and nothing is left out.",
  eve: true,
  options: [
    ["--since <duration>", "only what was seen within this time: 10m, 2h, 7d", { default: "all that is kept; with --follow, what comes" }],
    ["--follow", "go on as more is found, until Ctrl-C"],
    ["--no-bytes", "leave payload and packet out of the events"],
  ],
  examples: [
    ["alert export --since 24h", "the last day"],
    ["alert export --follow", "what is found from now on"],
  ],
  run: exportEvents,
};

export const PCAP: CommandSpec = {
  name: "pcap",
  summary: "write the packets of an alert to stdout, as a capture",
  description:
    "Write the packets of an alert to stdout, as a capture (pcap, nanoseconds) for tcpdump, Wireshark or secuxflow-cli inspect: " +
    "the captured bytes of all its detections that are kept.",
  argument: ID,
  examples: [["alert pcap 17 > alert-17.pcap", "the packets of alert 17"]],
  run: writePcap,
};

/** Stored detections from a place on, part by part, to the end of what there is. */
async function* parts({ api }: Context, query: { after: number; sinceMs?: number | undefined; alertId?: number }): AsyncGenerator<DetectionList> {
  for (let after = query.after, more = true; more; ) {
    const part = await api.call("DetectionList", {
      path: routes.alertDetections,
      query: { ...query, after, limit: PART },
      extraMs: DETECTIONS_MS,
      flagOf,
    });
    yield part;
    ({ next: after, more } = part);
  }
}

type Print = (detection: Detection) => Promise<void>;

/** How events are printed: EVE on one line each, or a stream of YAML documents. */
export async function eventPrinter(context: Context, bytes = true): Promise<Print> {
  const { interfaceNames, eventOf } = await import("../offline/events.js");
  // An event without the interface's name is better than none.
  const agents = await context.api.call("AgentList", { path: routes.agents }).catch(() => undefined);
  const names = interfaceNames(agents?.items ?? []);
  return async (detection) => {
    const { payload: _payload, packet: _packet, ...bare } = detection;
    const event = eventOf(bytes ? detection : bare, names);
    await printOfMany(context.out, context.format === "yaml" ? "yaml" : "json", event);
  };
}

async function exportEvents(context: Context, options: Options): Promise<ExitCode> {
  const { env, api } = context;
  const values = new Values();
  const sinceMs = values.duration("--since", text(options, "since"));
  values.check();
  const follow = options.follow === true;
  const print = await eventPrinter(context, options.bytes !== false);
  let after = 0;
  if (follow && sinceMs === undefined)
    after = (await api.call("DetectionList", { path: routes.alertDetections, query: { limit: 0 }, extraMs: DETECTIONS_MS })).next;
  let begun = false;
  let pause = FOLLOW_MS;
  for (;;) {
    try {
      // What is asked for by time is asked for once: later, the place in the stream says all.
      for await (const { items, next } of parts(context, { after, sinceMs: begun ? undefined : sinceMs })) {
        for (const detection of items) await print(detection);
        after = next;
      }
      if (pause > FOLLOW_MS) context.err.line("connected again");
      begun = true;
      pause = FOLLOW_MS;
    } catch (error) {
      if (env.signal.aborted && follow) return EXIT.done;
      const passing = error instanceof ApiUnreachable || (error instanceof ApiProblem && error.status >= 500);
      if (!follow || !begun || !passing) throw error;
      if (pause === FOLLOW_MS) context.err.line(`${error.message}; trying again`);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    if (!follow) return EXIT.done;
    await env.sleep(pause, env.signal);
    if (env.signal.aborted) return EXIT.done;
  }
}

/** Each of these alerts by its newest detection, as EVE. */
export async function printNewest(context: Context, alerts: readonly Alert[]): Promise<void> {
  const print = await eventPrinter(context);
  for (const { id } of alerts) {
    const { detections } = await context.api.call("Alert", { path: routes.alert(id), extraMs: DETECTIONS_MS });
    const [newest] = detections;
    if (newest) await print(newest);
  }
}

/** Packets of an alert as pieces of a capture, from its header on. @throws CliError when none is kept */
async function* capture(context: Context, id: number): AsyncGenerator<Uint8Array> {
  const { captureStart, capturedPacket } = await import("../offline/events.js");
  let packets = 0;
  let without = 0;
  for await (const { items } of parts(context, { after: 0, alertId: id })) {
    const found = items.map(capturedPacket).filter((packet) => packet !== undefined);
    if (packets === 0 && found.length > 0) yield captureStart();
    packets += found.length;
    without += items.length - found.length;
    if (found.length > 0) yield Buffer.concat(found);
  }
  if (packets === 0)
    throw new CliError(`no packet of alert ${id} is kept`, { next: `secuxflow-cli alert show ${id}: what was found is there` });
  const told = `${counted(packets, "packet")} of alert ${id}`;
  if (without > 0) warn(context.err, `${told}; of ${counted(without, "detection")} more the packet is not kept`);
  else context.err.line(told);
}

async function writePcap(context: Context, _options: Options, argument: string | undefined): Promise<ExitCode> {
  const values = new Values();
  const id = values.id("<id>", argument);
  values.check();
  if (context.out.isTTY)
    throw new CliError("a capture is not for a terminal", { exit: EXIT.usage, next: `secuxflow-cli alert pcap ${id} > alert-${id}.pcap` });
  for await (const piece of capture(context, id)) context.out.bytes(piece);
  return EXIT.done;
}

/** Writes the packets of an alert to a file. @throws CliError */
export async function savePcap(context: Context, id: number, file: string): Promise<void> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of capture(context, id)) {
    bytes += piece.byteLength;
    if (bytes > MOST_CAPTURE_BYTES)
      throw new CliError(`alert ${id} has more packets than are written at once`, { next: `secuxflow-cli alert pcap ${id} > ${file}` });
    pieces.push(piece);
  }
  try {
    await context.env.writeFile(file, Buffer.concat(pieces));
  } catch (error) {
    throw new CliError(`${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`, { cause: error });
  }
}
