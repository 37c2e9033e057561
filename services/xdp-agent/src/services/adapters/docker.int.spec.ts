import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { tempDir, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DockerContainers, DockerError } from "./docker.js";

const ID = "0123456789abcdef";
const running = (more: object = {}): object => ({ State: { Running: true, Pid: process.pid }, HostConfig: { NetworkMode: "bridge" }, NetworkSettings: { SandboxKey: "" }, ...more });

/** Answers as Docker's API does (version 1.41, fields that are used). */
describe("DockerContainers", () => {
  let files: TempDir;
  let server: Server;
  let docker: DockerContainers;
  const asked: string[] = [];
  const answers = new Map<string, [number, unknown]>();

  beforeAll(async () => {
    files = await tempDir("docker");
    server = createServer((request, response) => {
      asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
      const [status, body] = answers.get(request.url ?? "") ?? [404, { message: "No such container" }];
      response.writeHead(status, { "content-type": "application/json" }).end(typeof body === "string" ? body : JSON.stringify(body));
    });
    const socket = join(files.path, "docker.sock");
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    docker = new DockerContainers(socket);
    answers.set("/containers/web/json", [200, running()]);
    answers.set("/containers/kept/json", [200, running({ NetworkSettings: { SandboxKey: files.path } })]);
    answers.set("/containers/stopped/json", [200, running({ State: { Running: false, Pid: 0 } })]);
    answers.set("/containers/host/json", [200, running({ HostConfig: { NetworkMode: "host" } })]);
    answers.set("/containers/unseen/json", [200, running({ State: { Running: true, Pid: 2 ** 30 } })]);
    answers.set("/containers/odd/json", [200, { State: "?" }]);
    answers.set("/containers/cut/json", [200, "{"]);
    answers.set(`/containers/${ID}/json`, [200, running()]);
    const networks = (ip: string, ip6: string) => ({ NetworkSettings: { Networks: { bridge: { IPAddress: ip, GlobalIPv6Address: ip6 }, none: null } } });
    answers.set("/containers/json?limit=512", [200, [{ Id: ID, ...networks("172.17.0.2", "fd00:0:0::2") }, { Id: "f".repeat(64), ...networks("172.17.0.3", "") }]]);
  });
  afterAll(async () => {
    server.close();
    await files.remove();
  });

  it("finds the namespace of a container: the file that Docker keeps, else that of its first process", async () => {
    expect(await docker.netnsOf("kept")).toBe(files.path);
    expect(await docker.netnsOf("web")).toBe(`/proc/${process.pid}/ns/net`);
  });

  it("finds containers by address", async () => {
    expect(await docker.netnsWith(new Set(["172.17.0.2"]))).toEqual([`/proc/${process.pid}/ns/net`]);
    expect(await docker.netnsWith(new Set(["fd00::2"]))).toHaveLength(1);
    expect(await docker.netnsWith(new Set(["172.17.0.9"]))).toEqual([]);
  });

  it.each([
    ["missing", /knows no container missing/], ["stopped", /not running/], ["host", /uses the host's network/], ["unseen", /cannot be seen from here/],
    ["odd", /answered 200 about container odd/], ["cut", /no JSON/], ["a/../b?c", /knows no container/],
  ])("says what is wrong with container %s", async (name, message) => {
    await expect(docker.netnsOf(name)).rejects.toThrow(message);
  });

  it("says that nobody answers", async () => {
    await expect(new DockerContainers(join(files.path, "nobody.sock")).netnsOf("web")).rejects.toThrow(DockerError);
  });

  it("only ever asks", () => {
    expect(asked.every((line) => line.startsWith("GET /containers/"))).toBe(true);
    expect(asked).toContain("GET /containers/a%2F..%2Fb%3Fc/json");
  });
});
