import { connect } from "node:net";

/** What a NATS server says of itself on a new connection (the fields used here). */
export type NatsInfo = { server_id: string; server_name: string; version: string; jetstream?: boolean; port: number };

const MAX_INFO_BYTES = 64 * 1024;

/**
 * Connects, reads the `INFO {json}` line that a NATS server sends first (NATS client protocol), and hangs up.
 *
 * @throws Error when nothing listens, or when what answers is not a NATS server.
 */
export function readNatsInfo(host: string, port: number, timeoutMs = 1_000): Promise<NatsInfo> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let text = "";
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket
      .setEncoding("utf8")
      .setTimeout(timeoutMs, () => fail(new Error(`no INFO from ${host}:${port} in ${timeoutMs} ms`)));
    socket.once("error", fail);
    socket.once("close", () => fail(new Error(`${host}:${port} closed the connection before INFO`)));
    socket.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\r\n");
      if (end < 0 && text.length < MAX_INFO_BYTES) return;
      try {
        if (!text.startsWith("INFO ") || end < 0)
          throw new Error(`${host}:${port} is not a NATS server: ${text.slice(0, 80)}`);
        resolve(JSON.parse(text.slice(5, end)) as NatsInfo);
        socket.destroy();
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}
