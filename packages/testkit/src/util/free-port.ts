import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const LOWEST = 15_000;
const ATTEMPTS = 200;
const given = new Set<number>();

/**
 * A TCP port on which nothing listens, never the same twice in one process.
 *
 * It lies below the range the kernel takes for outgoing connections: otherwise a client that retries while its server
 * restarts may be given the server's port as its own and take it away.
 *
 * @throws Error when 200 random ports in a row are taken.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const below = ephemeralRangeStart();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, below);
    if (given.has(port) || !(await canListen(host, port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free TCP port on ${host} among ${ATTEMPTS} random ones between ${LOWEST} and ${below - 1}`);
}

function ephemeralRangeStart(): number {
  try {
    const first = Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/)[0]);
    return first > LOWEST + 1_000 ? first : 32_768;
  } catch {
    return 32_768;
  }
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
