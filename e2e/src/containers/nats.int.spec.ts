import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { needs, readNatsInfo, waitFor } from "@secuxflow/testkit";
import { GenericContainer, Wait, type StartedTestContainer } from "testcontainers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildImages, useEngine } from "./engine.js";

useEngine();

needs(describe, "docker")("NATS in a container", () => {
  let container: StartedTestContainer;

  beforeAll(async () => {
    const [image = ""] = await buildImages("nats");
    container = await new GenericContainer(image)
      .withExposedPorts(4222, 8222)
      .withWaitStrategy(Wait.forHealthCheck())
      .start();
  });
  afterAll(async () => {
    await container?.stop();
  });

  const open = async (port: number): Promise<Socket> => {
    const socket = connect(container.getMappedPort(port), container.getHost());
    await once(socket, "connect");
    return socket;
  };

  it("tells a client at the mapped port that it has JetStream", async () => {
    const info = await readNatsInfo(container.getHost(), container.getMappedPort(4222));
    expect(info).toMatchObject({ jetstream: true, max_payload: 1024 * 1024 });
  });

  it("carries a message from one client to another", async () => {
    const receiver = await open(4222);
    const sender = await open(4222);
    let heard = "";
    receiver.setEncoding("utf8").on("data", (text: string) => (heard += text));
    receiver.write('CONNECT {"verbose":false}\r\nSUB greeting 1\r\nPING\r\n');
    await waitFor(() => heard.includes("PONG"), { what: "the subscription to be known" });
    sender.write('CONNECT {"verbose":false}\r\nPUB greeting 5\r\nhello\r\n');
    await waitFor(() => heard.includes("MSG greeting 1 5\r\nhello\r\n"), { what: "the message" });
    receiver.destroy();
    sender.destroy();
  });

  it("keeps its streams in the volume, within the limits of storage.conf", async () => {
    const reply = await fetch(`http://${container.getHost()}:${container.getMappedPort(8222)}/jsz`);
    expect(await reply.json()).toMatchObject({ config: { max_storage: 10 * 2 ** 30, store_dir: "/data/jetstream" } });
  });

  it("runs as an unprivileged user that can write its volume and nothing else", async () => {
    expect((await container.exec(["id", "-u"])).output.trim()).toBe("65532");
    expect((await container.exec(["touch", "/data/probe"])).exitCode).toBe(0);
    expect((await container.exec(["touch", "/etc/nats/probe"])).exitCode).not.toBe(0);
  });
});
