import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Compiled } from "../../testing/compile.js";
import { piecesOf } from "./capture.js";
import { HttpConnection, type Exchange } from "./parser.js";

/** What one HTTP Evader capture came to; `reason` is empty when it passed. */
export interface EvaderResult {
  readonly id: string;
  readonly reason: string;
}

/** Alerts that a test of suricata-verify expects, and the name of the file if it says one. */
interface Expected {
  readonly contents: { text: string; count: number }[];
  readonly file: string | undefined;
}

/**
 * Runs the HTTP Evader captures of a suricata-verify folder (`tests/http-evader`) through the parser and compares the decoded
 * response bodies with the rules of each test (`file_data; content:"..."`) and the file names with its `fileinfo` checks.
 */
export function runEvader(folder: string, instance: () => Compiled): EvaderResult[] {
  const results: EvaderResult[] = [];
  for (const id of readdirSync(folder).sort()) {
    const read = (name: string) => readFileSync(join(folder, id, name), "utf8");
    const yaml = read("test.yaml");
    const exchanges = exchangesOf(readFileSync(join(folder, id, "input.pcap")), yaml, instance());
    results.push({ id, reason: check(exchanges, expected(yaml, read("test.rules"))) });
  }
  return results;
}

function expected(yaml: string, rules: string): Expected {
  const contents: { text: string; count: number }[] = [];
  for (const rule of rules.split("\n")) {
    const match = /^alert .*content:"([^"]*)"; *sid:(\d+);/.exec(rule);
    if (match === null) continue;
    const check = new RegExp(`count: (\\d+)\\s+match:\\s+event_type: alert\\s+alert.signature_id: ${match[2]}\\s`).exec(yaml);
    contents.push({ text: match[1] ?? "", count: Number(check?.[1] ?? 0) });
  }
  return { contents, file: /fileinfo.filename: (\S+)/.exec(yaml)?.[1] };
}

function exchangesOf(pcap: Uint8Array, yaml: string, wasm: Compiled): Exchange[] {
  wasm.call("setDecodeLimits", Number(/response-body-decompress-layer-limit=(\d+)/.exec(yaml)?.[1] ?? 2), 1048576, 2048);
  wasm.call("setDecodeOptions", 1, yaml.includes("lzma-enabled=yes") ? 1 : 0);
  const connections = new Map<string, HttpConnection>();
  for (const piece of piecesOf(pcap)) {
    const connection = connections.get(piece.connection) ?? new HttpConnection(wasm);
    connections.set(piece.connection, connection);
    if (piece.bytes.length > 0) connection.feed(piece.direction, piece.bytes);
    if (piece.end) connection.end(piece.direction);
  }
  return [...connections.values()].flatMap((connection) => {
    connection.end(0);
    connection.end(1);
    return connection.exchanges();
  });
}

function check(exchanges: readonly Exchange[], wanted: Expected): string {
  for (const { text, count } of wanted.contents) {
    const found = exchanges.filter((exchange) => exchange.get("body", 1)?.includes(text) === true).length;
    if (found !== count) return `"${text}" in ${found} bodies, expected ${count}`;
  }
  if (wanted.file === undefined) return "";
  const names = exchanges.flatMap((exchange) => exchange.files(1).map((file) => file.name));
  return names.includes(wanted.file) ? "" : `file names ${JSON.stringify(names)}, expected ${wanted.file}`;
}
