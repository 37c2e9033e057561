import { connect, type Socket } from "node:net";
import { once } from "node:events";

/**
 * Publishes to NATS in a few lines of its text protocol, so that tests can stand in for agents and inspectors without a NATS
 * client in the CLI. Entries of a KV bucket are messages on `$KV.<bucket>.<key>`.
 */
export class NatsPublisher {
  private constructor(private readonly socket: Socket) {}

  static async connect(port: number): Promise<NatsPublisher> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes("PING")) socket.write("PONG\r\n");
    });
    socket.on("error", () => undefined); // the server is stopped before its clients
    socket.write('CONNECT {"verbose":false,"pedantic":false,"lang":"test","version":"0"}\r\n');
    return new NatsPublisher(socket);
  }

  publish(subject: string, body: object): void {
    const text = JSON.stringify(body);
    this.socket.write(`PUB ${subject} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
  }

  put(bucket: string, key: string, body: object): void {
    this.publish(`$KV.${bucket}.${key}`, body);
  }

  close(): void {
    this.socket.destroy();
  }
}
