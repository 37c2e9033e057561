import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BatchBuilder, Direction, dissectFrame } from "@secuxflow/inspect-abi";
import type { Finding, RecordFields } from "@secuxflow/inspect-abi";
import { loadModule, ModuleInstance } from "@secuxflow/module-host";
import type { LoadedModule } from "@secuxflow/module-host";
import type { RuleSet } from "@secuxflow/rule-image";
import { tcpSession } from "@secuxflow/testkit";
import type { SessionSpec, Turn } from "@secuxflow/testkit";

const loaded = new Map<string, LoadedModule>();

/** A built module, compiled once per test file. Throws with advice when it was not built. */
export function builtModule(name: "ips" | "waf"): LoadedModule {
  let module = loaded.get(name);
  if (module === undefined) {
    const given = name === "waf" ? process.env.SECUXFLOW_WAF_MODULE : undefined;
    const path = given ?? join(import.meta.dirname, `../../dist/${name}.wasm`);
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(path);
    } catch (cause) {
      throw new Error(`${path} is not there: run \`node wasm/build.mjs\` first`, { cause });
    }
    module = loadModule(bytes);
    loaded.set(name, module);
  }
  return module;
}

/** A fresh instance of a built module, with its own rules unless others are given. */
export const newModule = (name: "ips" | "waf", configure?: string, rules?: RuleSet): Promise<ModuleInstance> =>
  ModuleInstance.create(builtModule(name), {
    ...(configure === undefined ? {} : { configure }),
    ...(rules === undefined ? {} : { rules }),
  });

/** A frame with what the agent knows about it. */
export interface Packet {
  readonly frame: Uint8Array;
  readonly direction?: number;
  /** Milliseconds since the start of the test. */
  readonly atMs?: number;
  readonly fields?: Partial<RecordFields>;
  /** Capture no more than this many bytes. */
  readonly snap?: number;
}

const START_NS = 1_767_225_600_000_000_000n;

/** Batches of at most `size` records. Times go up to 4 s within a batch, else a new one starts. */
export function batchesOf(packets: readonly Packet[], size = 256): Uint8Array[] {
  const batches: Uint8Array[] = [];
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: size, maxBytes: 1024 * 1024 });
  let baseMs = 0;
  const flush = (): void => {
    if (builder.count > 0) batches.push(builder.finish().slice());
  };
  for (const { frame, direction = Direction.UNKNOWN, atMs = 0, fields, snap } of packets) {
    if (builder.count === 0 || atMs - baseMs > 4000) {
      flush();
      baseMs = atMs;
      builder.setTimeBase(START_NS + BigInt(Math.round(atMs)) * 1_000_000n);
    }
    const captured = snap === undefined ? frame : frame.subarray(0, snap);
    const record = {
      ...dissectFrame(captured, frame.byteLength),
      direction,
      timeDeltaNs: (atMs - baseMs) * 1e6,
      modules: 1,
      ...fields,
    };
    if (!builder.append(record, captured)) {
      flush();
      builder.append(record, captured);
    }
  }
  flush();
  return batches;
}

/** Findings of all packets; `recordIndex` counts in `packets`. */
export function inspectAll(instance: ModuleInstance, packets: readonly Packet[], size = 256): Finding[] {
  let base = 0;
  const findings: Finding[] = [];
  for (const batch of batchesOf(packets, size)) {
    for (const finding of instance.inspect(batch, 1)) findings.push({ ...finding, recordIndex: finding.recordIndex + base });
    base += new DataView(batch.buffer).getUint32(12, true);
  }
  return findings;
}

/** The distinct rules of findings, in order. */
export const ruleIds = (findings: readonly Finding[]): number[] =>
  [...new Set(findings.map(({ ruleId }) => ruleId))].sort((a, b) => a - b);

let port = 1024;

/** The packets of a conversation; every call takes another client port unless one is given. */
export function session(turns: readonly Turn[], options: Partial<SessionSpec> & { direction?: boolean } = {}): Packet[] {
  port = port >= 65_000 ? 1024 : port + 1;
  const { direction = true, ...rest } = options;
  const spec = {
    client: { ip: "10.1.0.7", port },
    server: { ip: "10.2.0.5", port: 80 },
    turns,
    ...rest,
  };
  return [...tcpSession(spec)].map(({ frame, from }) => ({
    frame,
    direction: !direction ? Direction.UNKNOWN : from === "client" ? Direction.TO_SERVER : Direction.TO_CLIENT,
  }));
}

/** A client that says one thing. */
export const says = (data: string | Uint8Array, options: Partial<Turn> = {}): Turn[] => [{ from: "client", data, ...options }];

/** The text of an HTTP/1.1 request with a Host, and a Content-Length where there is a body. */
export function http(requestLine: string, headers: Record<string, string> = {}, body = ""): string {
  const all: Record<string, string> = {
    Host: "shop.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    Accept: "*/*",
    ...headers,
    ...(body === "" ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `${requestLine} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}
