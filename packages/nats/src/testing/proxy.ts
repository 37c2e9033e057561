import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP proxy on loopback whose wires can be cut, or go dead without a word, as a pulled cable does. */
export class Proxy {
  readonly #sockets = new Set<Socket>();
  #dead = false;

  private constructor(private readonly server: Server) {}

  /** @param port where it leads, on loopback */
  static async open(port: number): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(server);
    server.on("connection", (near) => proxy.#join(near, connect(port, "127.0.0.1")));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** No byte passes any more, and nobody is told. */
  freeze(): void {
    this.#dead = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#dead = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (bytes) => to.write(bytes));
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#dead) from.pause();
    }
  }
}
