import { waitFor, type Child, type Namespace } from "@secuxflow/testkit";

const ECHO = `
const [host, port] = process.argv.slice(1);
require("node:net").createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen({ host, port: Number(port) }, () => console.error("listening"));`;

const TALK = `
const [host, port] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port) }, () => console.log("connected"));
socket.on("data", (data) => process.stdout.write(data)).on("error", (error) => { console.error(error.code); process.exit(1); });
process.stdin.pipe(socket);`;

/** Starts a TCP server that sends back what it gets. */
export async function echoServer(ns: Namespace, host: string, port: number): Promise<Child> {
  const child = await ns.spawn(process.execPath, ["-e", ECHO, host, String(port)], { what: `the echo server in ${ns.name}` });
  await waitFor(() => child.log.toString().includes("listening"), { what: `${child.what} to listen`, giveUp: () => child.exitError() });
  return child;
}

/** A TCP connection that stays open, of a real client. */
export class Conversation {
  private constructor(private readonly child: Child) {}

  static async open(ns: Namespace, host: string, port: number): Promise<Conversation> {
    const child = await ns.spawn(process.execPath, ["-e", TALK, host, String(port)], { stdin: true, what: `the client in ${ns.name}` });
    const conversation = new Conversation(child);
    await conversation.#heard("connected");
    return conversation;
  }

  /** Sends a word that was not sent before, and waits until it is sent back. */
  async say(word: string): Promise<void> {
    this.child.stdin?.write(`${word}\n`);
    await this.#heard(word);
  }

  async close(): Promise<void> {
    await this.child.kill();
  }

  async #heard(word: string): Promise<void> {
    await waitFor(() => this.child.log.toString().includes(word), { what: `${this.child.what} to hear ${word}`, deadlineMs: 10_000, giveUp: () => this.child.exitError() });
  }
}
