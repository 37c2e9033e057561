import { freePort, NatsServer, needs, waitFor } from "@secuxflow/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { recordingLog, Stage } from "../testing/support.js";
import { NatsUnavailable } from "./errors.js";
import { connectNats, type LinkState, type NatsLink } from "./link.js";

needs(describe, "nats")("NatsLink", () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const open = (options: Parameters<typeof connectNats>[0]): NatsLink => {
    const link = connectNats({ reconnectWaitMs: 50, ...options });
    cleanups.push(() => link.drain(500));
    return link;
  };

  it("starts while NATS is away, says so, and connects when it comes", async () => {
    const port = await freePort("127.0.0.1");
    const { log, lines } = recordingLog();
    const link = open({ urls: `nats://127.0.0.1:${port}`, name: "early", log });
    expect(link.state()).toBe("disconnected");
    await waitFor(() => link.status().detail.includes("cannot connect"), { what: "a reason" });
    await expect(link.connected({ timeoutMs: 1 })).rejects.toBeInstanceOf(NatsUnavailable);
    expect(() => link.connection("test")).toThrow(NatsUnavailable);
    const server = await NatsServer.start({ port });
    cleanups.push(() => server.stop());
    await link.connected({ timeoutMs: 10_000 });
    expect(link.status()).toEqual({ state: "connected", detail: expect.stringContaining(`${port}`) as string });
    // One line for the whole absence, not one an attempt.
    expect(lines.filter((line) => line.includes("trying again"))).toHaveLength(1);
  });

  it("tells each change of state, and comes back after a restart of the server", async () => {
    const stage = await Stage.open({ provisioned: false });
    cleanups.push(() => stage.close());
    const link = stage.link();
    await link.connected();
    const states: LinkState[] = [];
    const stop = link.onState((state) => states.push(state));
    await stage.server.restart();
    await waitFor(() => states.length === 2, { what: "both changes" });
    expect(states).toEqual(["disconnected", "connected"]);
    stop();
    await link.drain();
    expect([link.state(), states.length]).toEqual(["closed", 2]);
  });

  it("a subscription made before NATS is there receives after it came, and after each restart", async () => {
    const stage = await Stage.open({ provisioned: false });
    cleanups.push(() => stage.close());
    await stage.server.pause();
    const link = stage.link();
    const seen: string[] = [];
    const stop = link.subscribe("x", (message) => void seen.push(message.string()));
    for (const round of ["1", "2"]) {
      await stage.server.restart();
      const sender = stage.link();
      await sender.connected();
      await waitFor(
        () => {
          sender.connection("test").publish("x", round);
          return seen.includes(round);
        },
        { what: `message ${round}` },
      );
    }
    stop();
    const before = seen.length;
    link.connection("test").publish("x", "3");
    await link.connection("test").flush();
    expect(seen.slice(before)).toEqual([]);
  });

  it("a request ends with the connection, not with its timeout", async () => {
    const stage = await Stage.open({ provisioned: false });
    cleanups.push(() => stage.close());
    const link = stage.link({ requestTimeoutMs: 600_000 });
    await link.connected();
    let asked = false;
    link.subscribe("never.answered", () => void (asked = true));
    const answer = link.request("asking", "never.answered", "").catch((error: unknown) => error);
    await waitFor(() => asked, { what: "the request to arrive" });
    await stage.server.kill();
    expect(await answer).toMatchObject({ name: "NatsUnavailable", sent: true });
    await expect(link.request("asking", "never.answered", "")).rejects.toMatchObject({ name: "NatsUnavailable", sent: false });
  });

  it("says at once that nobody answers, and after the timeout that no answer came", async () => {
    const stage = await Stage.open({ provisioned: false });
    cleanups.push(() => stage.close());
    const link = stage.link();
    await link.connected();
    await expect(link.request("asking", "nobody", "", { timeoutMs: 600_000 })).rejects.toMatchObject({
      reason: "nobody answers there",
      sent: false,
    });
    link.subscribe("silent", () => undefined);
    await expect(link.request("asking", "silent", "", { timeoutMs: 50 })).rejects.toMatchObject({
      reason: "no answer within 50 ms",
      sent: true,
    });
  });

  it("drains while NATS is away, also when it never was there", async () => {
    const stage = await Stage.open({ provisioned: false });
    cleanups.push(() => stage.close());
    const link = stage.link();
    await link.connected();
    await stage.server.kill();
    await waitFor(() => link.state() === "disconnected", { what: "the loss to be seen" });
    await link.drain();
    const never = open({ urls: "nats://127.0.0.1:1", name: "never" });
    const waiting = never.connected().catch((error: unknown) => error);
    await never.drain();
    expect([link.state(), never.state()]).toEqual(["closed", "closed"]);
    expect(await waiting).toBeInstanceOf(NatsUnavailable);
  });

  it("stops waiting for a connection when its signal aborts", async () => {
    const link = open({ urls: "nats://127.0.0.1:1", name: "never" });
    const stop = new AbortController();
    const waiting = link.connected({ signal: stop.signal }).catch((error: unknown) => error);
    stop.abort(new Error("enough"));
    expect(await waiting).toEqual(new Error("enough"));
  });

  it("proves who it is, keeps trying with a wrong password, and says why", async () => {
    const server = await NatsServer.start({ config: "authorization { user: u, password: right }" });
    cleanups.push(() => server.stop());
    const good = open({ urls: server.url, name: "good", credentials: { user: "u", password: "right" } });
    await good.connected({ timeoutMs: 5_000 });
    const { log, lines } = recordingLog();
    const bad = open({ urls: server.url, name: "bad", log, credentials: { user: "u", password: "wrong" } });
    await waitFor(() => /authorization/i.test(bad.status().detail), { what: "the reason" });
    expect(bad.state()).toBe("disconnected");
    expect(lines.join()).not.toContain("wrong");
  });
});
