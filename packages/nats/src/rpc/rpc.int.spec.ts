import { ProblemError, subjects, type AlertingStatus } from "@secuxflow/contracts";
import { needs, waitFor } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NatsLink } from "../connection/link.js";
import { recordingLog, Stage } from "../testing/support.js";
import { rpcCall } from "./call.js";
import { rpcServe, type RpcAnswer } from "./serve.js";

const status: AlertingStatus = { storage: "chdb", storageOk: true, detections: 1, pending: 0, flows: 0, problems: [] };
const nothing: RpcAnswer<"list"> = { items: [], total: 0 };

needs(describe, "nats")("RPC with the alerting service", () => {
  let stage: Stage;
  let server: NatsLink;
  let client: NatsLink;
  let lines: string[];
  beforeEach(async () => {
    stage = await Stage.open({ provisioned: false });
    const recording = recordingLog();
    lines = recording.lines;
    server = stage.link({ log: recording.log });
    client = stage.link();
    await Promise.all([server.connected(), client.connected()]);
  });
  afterEach(() => stage.close());

  /** The subscription is known to the server once it answered a later PING. */
  const settled = async (): Promise<void> => server.connection("test").flush();

  it("answers with what the handler returns, and gives it defaults of the schema", async () => {
    let asked: unknown;
    rpcServe(server, "list", (request) => {
      asked = request;
      return nothing;
    });
    rpcServe(server, "status", () => Promise.resolve(status));
    await settled();
    expect(await rpcCall(client, "list", { module: "ips" })).toEqual(nothing);
    expect(asked).toEqual({ limit: 50, module: "ips" });
    expect(await rpcCall(client, "status", {})).toEqual(status);
  });

  it("says at once that the service is away, and that NATS is away", async () => {
    await expect(rpcCall(client, "status", {}, { timeoutMs: 600_000 })).rejects.toMatchObject({
      name: "ProblemError",
      code: "alerting_unavailable",
    });
    await stage.server.kill();
    await waitFor(() => client.state() === "disconnected", { what: "the loss to be seen" });
    await expect(rpcCall(client, "status", {}, { timeoutMs: 600_000 })).rejects.toMatchObject({
      name: "ProblemError",
      code: "nats_unavailable",
    });
  });

  it("says that the service does not answer in time", async () => {
    const stop = rpcServe(server, "status", () => new Promise(() => undefined));
    await settled();
    await expect(rpcCall(client, "status", {}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "alerting_unavailable" });
    stop();
  });

  it("carries a ProblemError over, and hides any other error but in the log", async () => {
    rpcServe(server, "show", ({ id }) => {
      if (id === 1) throw new ProblemError("not_found", "there is no alert 1");
      throw new Error("secret inside");
    });
    await settled();
    await expect(rpcCall(client, "show", { id: 1 })).rejects.toMatchObject({
      name: "ProblemError",
      code: "not_found",
      message: "there is no alert 1",
    });
    const hidden: unknown = await rpcCall(client, "show", { id: 2 }).catch((e: unknown) => e);
    expect(hidden).toMatchObject({ name: "ProblemError", code: "internal" });
    expect(String(hidden)).not.toContain("secret");
    expect(lines.filter((line) => line.includes("secret inside"))).toHaveLength(1);
  });

  it("refuses a bad request without asking the handler", async () => {
    let asked = 0;
    rpcServe(server, "show", () => {
      asked += 1;
      throw new Error("not reached");
    });
    await settled();
    const refused: unknown = await rpcCall(client, "show", { id: -1 }).catch((e: unknown) => e);
    expect(refused).toMatchObject({ code: "invalid_input" });
    expect((refused as Error).message).toContain("id");
    const reply = await client.request("test", subjects.alertingRpc("show"), "{");
    expect(reply.json()).toMatchObject({ ok: false, code: "invalid_input" });
    expect(asked).toBe(0);
  });

  it("refuses an answer of another shape, and one that is no reply at all", async () => {
    rpcServe(server, "status", () => ({ ...status, storage: "tape" }) as unknown as AlertingStatus);
    server.subscribe(subjects.alertingRpc("list"), (message) => void message.respond("hello"));
    await settled();
    await expect(rpcCall(client, "status", {})).rejects.toMatchObject({ code: "internal" });
    await expect(rpcCall(client, "list", {})).rejects.toMatchObject({ code: "alerting_unavailable" });
  });

  it("answers that the answer is too large", async () => {
    rpcServe(server, "status", () => ({ ...status, problems: ["x".repeat(1_100_000)] }));
    await settled();
    await expect(rpcCall(client, "status", {})).rejects.toMatchObject({ code: "limit_reached" });
  });

  it("refuses the 65th request that runs, and shares requests between servers", async () => {
    let finish: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    let running = 0;
    const stop = rpcServe(server, "status", async () => {
      running += 1;
      await gate;
      return status;
    });
    await settled();
    const calls = Array.from({ length: 65 }, () =>
      rpcCall(client, "status", {}).then(
        () => "ok",
        (error: unknown) => (error as ProblemError).code,
      ),
    );
    await waitFor(() => running === 64, { what: "64 requests to run" });
    expect(await Promise.race(calls)).toBe("limit_reached");
    finish();
    expect((await Promise.all(calls)).filter((result) => result === "ok")).toHaveLength(64);
    stop();
    const answered = [0, 0];
    for (const [n, link] of [server, stage.link()].entries()) {
      await link.connected();
      rpcServe(link, "status", () => {
        answered[n] = (answered[n] ?? 0) + 1;
        return status;
      });
      await link.connection("test").flush();
    }
    for (let n = 0; n < 40; n++) await rpcCall(client, "status", {});
    expect(answered[0]).toBeGreaterThan(0);
    expect((answered[0] ?? 0) + (answered[1] ?? 0)).toBe(40);
  });
});
