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

/** Runs an example of the README ("secuxflow-cli rule list") against the fake API, and tells what a user would see. */
export async function runExample(api: FakeApi, line: string): Promise<{ exit: number; output: string }> {
  api.reset();
  let seconds = 1;
  api.routes.set("GET /v1/stats", (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(documents.stats(seconds)));
  });
  api.routes.set("GET /v1/alerts/watch", (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`event: alert\ndata: ${JSON.stringify(documents.alert)}\n\n`);
  });
  const live = line.includes("alert watch");
  const stop = new AbortController();
  const { exit, stdout, stderr } = await runCli(wordsOf(line).slice(1), {
    env: { SECUXFLOW_API: api.url },
    files: FILES,
    signal: stop.signal,
    onSleep: (ms) => void (seconds += ms / 1_000),
    onOutput: () => (live ? stop.abort() : undefined),
  });
  // What it watches is the address of the fake.
  return { exit, output: live ? stdout : stdout + stderr };
}
