import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Probe } from "../application/health-checks.js";

/** Connects from this process's own network namespace. */
export const tcpProbe: Probe = (address, port, timeoutMs) => new Promise((resolve) => {
  const socket = connect({ host: address, port });
  const done = (succeeded: boolean): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve(succeeded);
  };
  const timer = setTimeout(() => { done(false); }, timeoutMs);
  socket.once("connect", () => { done(true); });
  socket.once("error", () => { done(false); });
});

/** Runs in the namespace: lines {id, address, port, timeoutMs} in, lines {id, ok} out; ends with its input. */
const CHILD = `
const net = require("node:net");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, address, port, timeoutMs } = JSON.parse(line);
  const socket = net.connect({ host: address, port });
  const done = (ok) => { clearTimeout(timer); socket.destroy(); process.stdout.write(JSON.stringify({ id, ok }) + "\\n"); };
  const timer = setTimeout(done, timeoutMs, false);
  socket.once("connect", () => done(true)).once("error", () => done(false));
}).on("close", () => process.exit(0));`;

/**
 * Connects from another network namespace, where the host's interfaces are not in ours, through one process that stays
 * there. It is started with the first check, and again should it end.
 */
export class NamespaceProbe {
  readonly #netns: string;
  readonly #waiting = new Map<number, (succeeded: boolean) => void>();
  #child: ChildProcess | undefined;
  #next = 0;

  constructor(netns: string) {
    this.#netns = netns;
  }

  readonly probe: Probe = (address, port, timeoutMs) => {
    const child = (this.#child ??= this.#start());
    const id = this.#next++;
    return new Promise((resolve) => {
      // The child keeps the time; this is for a child that does not answer at all.
      const timer = setTimeout(() => this.#waiting.get(id)?.(false), timeoutMs + 2_000);
      this.#waiting.set(id, (succeeded) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(succeeded);
      });
      child.stdin?.write(`${JSON.stringify({ id, address, port, timeoutMs })}\n`);
    });
  };

  close(): void {
    this.#child?.stdin?.end();
    this.#child = undefined;
  }

  #start(): ChildProcess {
    const child = spawn("nsenter", [`--net=${this.#netns}`, "--", process.execPath, "-e", CHILD], { stdio: ["pipe", "pipe", "ignore"] });
    const ended = (): void => {
      if (this.#child === child) this.#child = undefined;
      for (const answer of [...this.#waiting.values()]) answer(false);
    };
    child.once("error", ended).once("exit", ended);
    child.stdin.on("error", () => undefined); // its exit tells
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { id, ok } = JSON.parse(line) as { id: number; ok: boolean };
      this.#waiting.get(id)?.(ok);
    });
    child.unref();
    return child;
  }
}
