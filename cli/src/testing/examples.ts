import { createPrivateKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { captureHeader, captureRecord, LinkType } from "@secuxflow/inspect-offline";
import { tinyModule } from "@secuxflow/inspect-offline/testing";
import { tempDir } from "@secuxflow/testkit";
import * as documents from "./documents.js";
import type { FakeApi } from "./fake-api.js";
import { runCli } from "./run-cli.js";

/** Words of a command line in which single quotes hold words together. */
const wordsOf = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");

/** Files that the examples name. */
const FILES: Readonly<Record<string, string>> = {
  "rules.jsonl": '{"src":"203.0.113.7","action":"drop"}\n{"src":"198.51.100.0/24","action":"reject"}\n',
  "faulty.jsonl": '{"src":"203.0.113.7","action":"drop"}\n{"src":"10.0.0.1/8","action":"block"}\n{"src":\n',
  "policy.yaml": "items:\n  - src: 203.0.113.7\n    action: drop\n  - src: 198.51.100.0/24\n    action: reject\n",
  "addresses.txt": "203.0.113.7\n198.51.100.0/24 ; abuse\n",
};

/** Runs in a folder with a capture, rules, and a small module by the name `ips`. */
async function besideCapture<T>(work: (modules: string) => Promise<T>): Promise<T> {
  const folder = await tempDir("examples");
  const before = process.cwd();
  try {
    const record = (second: number) =>
      captureRecord({ timeNs: BigInt(Date.parse("2026-11-22T11:58:00Z") + second * 1_000) * 1_000_000n, wireLength: 54, data: SYN });
    writeFileSync(join(folder.path, "capture.pcap"), Buffer.concat([captureHeader(LinkType.ETHERNET), record(0), record(1)]));
    for (const name of ["ips.wasm", "tiny.wasm"])
      writeFileSync(join(folder.path, name), tinyModule(SEEN, { ...SEEN, pkt_src: "stream (flow timeout)" }, "suricata"));
    writeFileSync(
      join(folder.path, "local.rules"),
      'alert http any any -> any any (msg:"LOCAL a scanner by its user agent"; http.user_agent; content:"scanner"; ' +
        'classtype:attempted-recon; sid:1; rev:2;)\nalert http any any -> any any (msg:"LOCAL a typo"; http.usr_agent; content:"x"; sid:2;)\n',
    );
    // A key that is always the same, so that its id is.
    const seed = createPrivateKey({ key: Buffer.from(`302e020100300506032b657004220420${"07".repeat(32)}`, "hex"), format: "der", type: "pkcs8" });
    writeFileSync(join(folder.path, "signing.pem"), seed.export({ type: "pkcs8", format: "pem" }));
    process.chdir(folder.path);
    return await work(folder.path);
  } finally {
    process.chdir(before);
    await folder.remove();
  }
}

/** Ethernet, IPv4 and an empty TCP segment from 10.1.0.9 to port 80 of 10.2.0.5. */
const SYN = Buffer.from(
  "0200000000020200000000010800" + "4500002800004000400600000a0100090a020005" + "c822005000000001000000005002ffff00000000",
  "hex",
);
const SEEN = { app_proto: "http", http: { hostname: "shop.example", url: "/", http_user_agent: "scanner/1.0", http_method: "GET" } };

/** Runs an example of the README ("secuxflow-cli rule list") against the fake API, and tells what a user would see. */
export async function runExample(api: FakeApi, line: string): Promise<{ exit: number; output: string }> {
  api.reset();
  let seconds = 1;
  api.routes.set("GET /v1/stats", (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(documents.stats(seconds)));
  });
  api.routes.set("GET /v1/alerts/18", (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(documents.wafAlert));
  });
  api.routes.set("GET /v1/alerts/watch", (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`event: alert\ndata: ${JSON.stringify(documents.alert)}\n\n`);
  });
  // A shell would take this part, and stdout with it.
  const [command = "", redirected] = line.split(" > ");
  const live = line.includes("alert watch");
  const stop = new AbortController();
  const invoke = (modules?: string) =>
    runCli(wordsOf(command).slice(1), {
      env: { SECUXFLOW_API: api.url, ...(modules === undefined ? {} : { SECUXFLOW_MODULES: modules }) },
      files: FILES,
      signal: stop.signal,
      onSleep: (ms) => void (seconds += ms / 1_000),
      onOutput: () => (live ? stop.abort() : undefined),
    });
  const { exit, stdout, stderr } = await ((line.includes(" --pcap capture.pcap") || /module (push|keygen|rules import)/.test(line)) ? besideCapture(invoke) : invoke());
  // What it watches is the address of the fake.
  return { exit, output: live ? stdout : redirected === undefined ? stdout + stderr : stderr };
}
