import { access } from "node:fs/promises";
import { request } from "node:http";
import { formatAddress, parseAddress } from "@secuxflow/contracts";
import { z } from "zod";
import type { ContainerSource } from "../application/places.js";

/** Docker does not answer, or does not know the container. */
export class DockerError extends Error {
  override readonly name = "DockerError";
}

const TIMEOUT_MS = 3_000;
const MAX_ANSWER = 8 * 1024 * 1024;
const MOST_CONTAINERS = 512;

const Networks = z.record(z.string(), z.object({ IPAddress: z.string().optional(), GlobalIPv6Address: z.string().optional() }).nullable());
const Listed = z.array(z.object({ Id: z.string().regex(/^[0-9a-f]{12,64}$/), NetworkSettings: z.object({ Networks: Networks.nullish() }).nullish() }));
const Inspected = z.object({
  State: z.object({ Running: z.boolean(), Pid: z.int().nonnegative() }),
  HostConfig: z.object({ NetworkMode: z.string() }).optional(),
  NetworkSettings: z.object({ SandboxKey: z.string().default("") }),
});

const canonical = (text: string | undefined): string | undefined => {
  try {
    return text === undefined || text === "" ? undefined : formatAddress(parseAddress(text));
  } catch {
    return undefined;
  }
};

/**
 * Containers of a Docker engine (or Podman's socket, which speaks the same), by its API over the Unix socket. Only asks:
 * nothing is changed. Whoever may open that socket is root on its host: the agent needs it only for names of containers.
 */
export class DockerContainers implements ContainerSource {
  readonly #socket: string;

  constructor(socketPath: string) {
    this.#socket = socketPath;
  }

  async netnsOf(container: string): Promise<string> {
    const { status, body } = await this.#get(`/containers/${encodeURIComponent(container)}/json`);
    if (status === 404) throw new DockerError(`Docker knows no container ${container}`);
    const inspected = Inspected.safeParse(status === 200 ? body : undefined);
    if (!inspected.success) throw new DockerError(`Docker answered ${status} about container ${container}`);
    const { State, HostConfig, NetworkSettings } = inspected.data;
    if (!State.Running) throw new DockerError(`container ${container} is not running`);
    if (HostConfig?.NetworkMode === "host") throw new DockerError(`container ${container} uses the host's network: it has no veth`);
    // The file that Docker keeps, where this process can see it; else the namespace of the container's first process.
    for (const path of [NetworkSettings.SandboxKey, `/proc/${State.Pid}/ns/net`]) {
      if (path.startsWith("/") && await access(path).then(() => true, () => false)) return path;
    }
    throw new DockerError(`the network namespace of container ${container} cannot be seen from here: mount /run/docker/netns, or share the host's process ids`);
  }

  async netnsWith(addresses: ReadonlySet<string>): Promise<string[]> {
    const { status, body } = await this.#get(`/containers/json?limit=${MOST_CONTAINERS}`);
    const listed = Listed.safeParse(status === 200 ? body : undefined);
    if (!listed.success) throw new DockerError(`Docker answered ${status} when asked for its containers`);
    const found = listed.data.filter(({ NetworkSettings }) => Object.values(NetworkSettings?.Networks ?? {}).some((network) =>
      [network?.IPAddress, network?.GlobalIPv6Address].some((text) => addresses.has(canonical(text) ?? ""))));
    return Promise.all(found.map(({ Id }) => this.netnsOf(Id)));
  }

  #get(path: string): Promise<{ status: number; body: unknown }> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => { reject(new DockerError(`Docker at ${this.#socket}: ${reason}`)); };
      const asked = request({ socketPath: this.#socket, path, headers: { host: "docker" }, timeout: TIMEOUT_MS, agent: false }, (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on("data", (part: Buffer) => {
          length += part.length;
          if (length > MAX_ANSWER) response.destroy(new Error("the answer is too long"));
          else parts.push(part);
        });
        response.on("error", (error) => { fail(error.message); });
        response.on("end", () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown });
          } catch {
            fail("the answer is no JSON");
          }
        });
      });
      asked.on("timeout", () => asked.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
      asked.on("error", (error) => { fail(error.message); });
      asked.end();
    });
  }
}
