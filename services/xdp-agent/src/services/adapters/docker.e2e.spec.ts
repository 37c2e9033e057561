import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { needs, repoRoot, runCommand, toolPath } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findEndpoint } from "../domain/endpoints.js";
import { Discovery } from "../application/discovery.js";
import { DockerContainers } from "./docker.js";
import { ipLinks, namedNamespaces } from "./netns.js";

// The engine that deploy/docker/engine.mjs started, where the environment names none and the system has none.
const record = join(repoRoot(import.meta.url), ".secuxflow", "docker", "engine.json");
if (process.env.DOCKER_HOST === undefined && !existsSync("/var/run/docker.sock") && existsSync(record)) {
  process.env.DOCKER_HOST = (JSON.parse(readFileSync(record, "utf8")) as { host: string }).host;
}
const socket = process.env.DOCKER_HOST?.replace(/^unix:\/\//, "") ?? "/var/run/docker.sock";

needs(describe, "docker", "root")("a container of a real Docker engine", () => {
  const name = `sxf-discovery-${process.pid}`;
  const docker = async (...args: string[]): Promise<string> => (await runCommand("docker", args)).stdout.trim();
  let address: string;

  beforeAll(async () => {
    const busybox = toolPath("busybox");
    if (busybox === undefined) throw new Error("busybox is missing; install the Debian package busybox-static");
    await runCommand("sh", ["-c", `tar -C "$0" -c busybox | docker import - ${name}`, dirname(busybox)]);
    await docker("run", "--detach", "--name", name, name, "/busybox", "sleep", "600");
    address = await docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name);
  });
  afterAll(async () => {
    await runCommand("docker", ["rm", "--force", name], { check: false });
    await runCommand("docker", ["rmi", name], { check: false });
  });

  it("is found by name and by address, with the host's end of its veth and its bridge", async () => {
    const containers = new DockerContainers(socket);
    const links = ipLinks();
    const host = await links.links();
    const netns = await containers.netnsOf(name);
    const endpoint = findEndpoint(address, host, [{ netns, links: await links.links(netns) }]);
    expect(endpoint).toMatchObject({ address, netns, port: { kind: "veth" }, router: { kind: "bridge" }, inner: { kind: "veth" } });
    expect(await containers.netnsWith(new Set([address]))).toEqual([netns]);
    const discovery = new Discovery({ links, namespaces: namedNamespaces(), containers }, host);
    const service = { name: "web", address, backends: [{ address, weight: 1 }], createdAt: "" };
    expect((await discovery.endpoints(service)).get(address)).toEqual(endpoint);
  });

  it("is not found once it is stopped", async () => {
    await docker("stop", "--time", "0", name);
    await expect(new DockerContainers(socket).netnsOf(name)).rejects.toThrow(/not running/);
    expect(await new DockerContainers(socket).netnsWith(new Set([address]))).toEqual([]);
  });
});
