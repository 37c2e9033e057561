import type { Child, Namespace } from "@secuxflow/testkit";
import { waitFor } from "@secuxflow/testkit";

/** Says its name to whoever connects, echoes lines, answers "get N" with N bytes; on stdin: close (stop listening), open. */
const SERVER = `
const net = require("node:net");
const [name, host, port] = process.argv.slice(1);
let server;
const open = () => {
  server = net.createServer((socket) => {
    socket.write(name + "\\n");
    socket.on("error", () => {}).on("data", (data) => {
      const bulk = /^get (\\d+)\\n$/.exec(data.toString());
      socket.write(bulk ? Buffer.alloc(Number(bulk[1]), "0123456789abcdef") : name + ":" + data);
    });
  }).listen({ host, port: Number(port) }, () => console.error("open"));
};
open();
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "open") open();
  else server.close(), console.error("closed");
});`;

/** Connections that stay open between commands: {id, open: {host, port}} or {id, send, bytes?}; answers {id, text}. */
const CLIENT = `
const net = require("node:net");
const sockets = new Map();
const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\\n");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, turn, open, send, bytes } = JSON.parse(line);
  if (open) {
    const socket = net.connect(open);
    const timer = setTimeout(() => { socket.destroy(); say({ turn, error: "timeout" }); }, 5000);
    socket.wait = (text) => { clearTimeout(timer); say({ turn, text: text.toString().trim() }); };
    socket.on("data", (data) => socket.wait?.(data)).on("error", (e) => { clearTimeout(timer); say({ turn, error: e.code }); });
    sockets.set(id, socket);
    return;
  }
  const socket = sockets.get(id);
  const hash = require("node:crypto").createHash("sha256");
  let left = bytes ?? 1;
  const timer = setTimeout(() => say({ turn, error: "timeout, " + left + " bytes left" }), 60000);
  socket.wait = (data) => {
    left -= data.length;
    hash.update(data);
    if (left > 0) return;
    clearTimeout(timer);
    say({ turn, text: bytes ? hash.digest("hex") : data.toString().trim() });
  };
  socket.write(send + "\\n");
});`;

/** A TCP server in a namespace that tells its name. */
export class TcpServer {
  private constructor(readonly child: Child) {}

  static async start(ns: Namespace, name: string, host: string, port: number): Promise<TcpServer> {
    const child = await ns.spawn(process.execPath, ["-e", SERVER, name, host, String(port)], { stdin: true, what: `the server ${name}` });
    const server = new TcpServer(child);
    await server.#said("open", 1);
    return server;
  }

  /** Stops listening; connections stay. */
  async close(): Promise<void> {
    const closed = this.#count("closed");
    this.child.stdin?.write("close\n");
    await this.#said("closed", closed + 1);
  }

  async open(): Promise<void> {
    const opened = this.#count("open");
    this.child.stdin?.write("open\n");
    await this.#said("open", opened + 1);
  }

  #count(word: string): number {
    return this.child.log.toString().split("\n").filter((line) => line.trim().endsWith(word)).length;
  }

  async #said(word: string, times: number): Promise<void> {
    await waitFor(() => this.#count(word) >= times, { what: `${this.child.what} to be ${word}`, giveUp: () => this.child.exitError() });
  }
}

/** Makes TCP connections from a namespace and keeps them. */
export class TcpClient {
  readonly #answers = new Map<number, { text?: string; error?: string }>();
  #child: Child | undefined;
  #turn = 0;

  static async start(ns: Namespace): Promise<TcpClient> {
    const client = new TcpClient();
    let text = "";
    client.#child = await ns.start({
      command: process.execPath, args: ["-e", CLIENT], stdin: true, what: "the client",
      onStdout: (chunk) => {
        const lines = (text + chunk.toString("utf8")).split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) {
          const { turn, ...answer } = JSON.parse(line) as { turn: number };
          client.#answers.set(turn, answer);
        }
      },
    });
    return client;
  }

  /** Opens connection `id`; answers what the server said first. Rejects where none came about. */
  open(id: number, host: string, port: number): Promise<string> {
    return this.#do({ id, open: { host, port } });
  }

  /** Sends a line on connection `id`; answers what came back, or the SHA-256 of `bytes` bytes of it. */
  send(id: number, send: string, bytes?: number): Promise<string> {
    return this.#do({ id, send, bytes });
  }

  async #do(command: object): Promise<string> {
    const turn = this.#turn++;
    this.#child?.stdin?.write(`${JSON.stringify({ turn, ...command })}\n`);
    const { text, error } = await waitFor(() => this.#answers.get(turn), { what: `the answer to ${JSON.stringify(command)}`, deadlineMs: 70_000, giveUp: () => this.#child?.exitError() });
    if (text === undefined) throw new Error(`${JSON.stringify(command)}: ${error ?? "no answer"}`);
    return text;
  }
}
