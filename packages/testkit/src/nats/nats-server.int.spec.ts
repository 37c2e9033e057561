import { existsSync } from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import { needs } from "../requirements/requirements.js";
import { tempDir } from "../util/temp-dir.js";
import { readNatsInfo } from "./info.js";
import { NatsServer, natsServerVersion } from "./nats-server.js";

needs(describe, "nats")("NatsServer", () => {
  const started: NatsServer[] = [];
  const start = async (options?: Parameters<typeof NatsServer.start>[0]): Promise<NatsServer> => {
    const server = await NatsServer.start(options);
    started.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
  });

  it("accepts connections on a free port of its own and leaves nothing after stop", async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.port).not.toBe(two.port);
    const info = await readNatsInfo("127.0.0.1", one.port);
    expect(info).toMatchObject({ jetstream: true, version: natsServerVersion(), server_name: one.name });
    expect(one.version).toBe(natsServerVersion());
    const { pid, storeDir } = one;
    await one.stop();
    expect(one.running).toBe(false);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(storeDir)).toBe(false);
    await expect(readNatsInfo("127.0.0.1", one.port)).rejects.toThrow("ECONNREFUSED");
    await expect(one.stop()).resolves.toBeDefined();
  });

  it("keeps JetStream's messages on the same port after a restart and after a crash", async () => {
    const server = await start();
    await withClient(server.url, async (client) => {
      const manager = await jetstreamManager(client);
      await manager.streams.add({ name: "KEPT", subjects: ["kept.>"] });
      await jetstream(client).publish("kept.one", "first");
    });
    const port = server.port;
    await server.restart();
    await withClient(server.url, async (client) => void (await jetstream(client).publish("kept.two", "second")));
    expect((await server.kill())?.signal).toBe("SIGKILL");
    expect(server.running).toBe(false);
    await server.restart();
    expect(server.port).toBe(port);
    await withClient(server.url, async (client) => {
      const manager = await jetstreamManager(client);
      expect((await manager.streams.getMessage("KEPT", { seq: 1 }))?.string()).toBe("first");
      expect((await manager.streams.getMessage("KEPT", { seq: 2 }))?.string()).toBe("second");
    });
  });

  it("keeps a given store folder", async () => {
    const folder = await tempDir("natsstore");
    const server = await start({ storeDir: folder.path });
    await withClient(server.url, async (client) => {
      await (await jetstreamManager(client)).streams.add({ name: "MINE", subjects: ["mine"] });
    });
    await server.stop();
    expect(existsSync(`${folder.path}/jetstream`)).toBe(true);
    await folder.remove();
  });

  it("takes more configuration, and can do without JetStream", async () => {
    const server = await start({ jetstream: false, config: ["max_payload: 2048", "authorization { user: u, password: p }"] });
    expect((await readNatsInfo("127.0.0.1", server.port)).jetstream).toBeUndefined();
    await expect(connect({ servers: server.url, maxReconnectAttempts: 0 })).rejects.toThrow(/authorization/i);
    const client = await connect({ servers: server.url, user: "u", pass: "p" });
    expect(client.info?.max_payload).toBe(2048);
    await client.close();
  });

  it("says what the server said when it refuses its configuration or its port", async () => {
    await expect(NatsServer.start({ config: "no_such_option: 1" })).rejects.toThrow(/no_such_option/);
    const first = await start();
    await expect(NatsServer.start({ port: first.port })).rejects.toThrow(/address already in use/);
    expect(first.running).toBe(true);
  });

  it("tells whether messages are fsynced one by one", async () => {
    const server = await start({ syncAlways: "if-supported" });
    const [major = 0, minor = 0] = natsServerVersion().split(".").map(Number);
    const supported = major > 2 || minor >= 10;
    expect(server.syncAlways).toBe(supported);
    if (!supported) await expect(NatsServer.start({ syncAlways: true })).rejects.toThrow(/needs nats-server 2\.10/);
  });
});

async function withClient(url: string, body: (client: Awaited<ReturnType<typeof connect>>) => Promise<void>): Promise<void> {
  const client = await connect({ servers: url });
  try {
    await body(client);
  } finally {
    await client.close();
  }
}
