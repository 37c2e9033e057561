import type { AddressInfo } from "node:net";
import type { NestFastifyApplication } from "@nestjs/platform-fastify";

const IDLE_CHECK_MS = 50;

/** The port was not to be had: says which setting to change. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * Starts to listen and gives the address as a URL that can be called from this host.
 * @param setting dotted path of the section that holds host and port, for the error
 * @throws ListenError when the address is taken, not ours, or not allowed
 */
export async function listen(app: NestFastifyApplication, host: string, port: number, setting: string): Promise<string> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = { EADDRINUSE: "is in use by another process", EADDRNOTAVAIL: "is no address of this host", EACCES: "is not allowed" }[code ?? ""];
    if (reason === undefined) throw error;
    throw new ListenError(`${host}:${port} ${reason}: choose another with ${setting}.host and ${setting}.port (0 takes a free port)`, { cause: error });
  }
  const address = app.getHttpServer().address() as AddressInfo;
  const wildcard = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[address.address];
  const shown = wildcard ?? (address.family === "IPv6" ? `[${address.address}]` : address.address);
  return `http://${shown}:${address.port}`;
}

/** Two steps to end an HTTP server: take no connection any more, then let the requests that run finish. */
export function httpShutdown(app: NestFastifyApplication, graceMs: number): { stop: () => void; drained: () => Promise<void> } {
  const server = app.getHttpServer();
  let closed: Promise<void> = Promise.resolve();
  return {
    stop: () => {
      closed = new Promise((resolve) => server.close(() => resolve()));
    },
    drained: async () => {
      // Kept-alive connections become idle only when their request has ended: look again and again.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
      // Streams that never end by themselves (event streams, stuck clients) are cut after the grace time.
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}
