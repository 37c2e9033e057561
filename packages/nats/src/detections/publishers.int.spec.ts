import { Detection, FlowReport, STREAMS, subjects } from "@secuxflow/contracts";
import { needs, waitFor } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NatsLink } from "../connection/link.js";
import { detection, recordingLog, Stage } from "../testing/support.js";
import { DetectionPublisher, FlowReportPublisher } from "./publishers.js";

needs(describe, "nats")("DetectionPublisher", () => {
  let stage: Stage;
  let link: NatsLink;
  beforeEach(async () => {
    stage = await Stage.open();
    link = stage.link();
    await link.connected();
  });
  afterEach(() => stage.close());

  const stored = async (stream: string): Promise<string[]> => {
    const manager = await stage
      .link()
      .connected()
      .then(() => link.manager("test"));
    const { state } = await manager.streams.info(stream);
    const bodies: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
      bodies.push((await manager.streams.getMessage(stream, { seq }))?.string() ?? "");
    }
    return bodies;
  };

  it("stores detections under their module, and one published twice once", async () => {
    const publisher = new DetectionPublisher(link);
    for (const id of ["a", "b", "a"]) expect(publisher.publish(detection(id))).toBe(true);
    await publisher.close();
    const found = (await stored(STREAMS.detections)).map((body) => Detection.parse(JSON.parse(body)));
    expect(found.map(({ id }) => id).sort()).toEqual(["a", "b"]);
    expect(publisher.counts()).toMatchObject({ published: 2, duplicates: 1, pending: 0, dropped: 0, retries: 0 });
    const first = await (await link.manager("test")).streams.getMessage(STREAMS.detections, { seq: 1 });
    expect(first?.subject).toBe(subjects.detections("ips"));
  });

  it("keeps what is published while NATS is away and stores each once when it is back", async () => {
    const publisher = new DetectionPublisher(link);
    const ids = Array.from({ length: 600 }, (_, n) => `d${n}`);
    for (const id of ids.slice(0, 200)) publisher.publish(detection(id));
    await stage.server.kill();
    for (const id of ids.slice(200)) publisher.publish(detection(id));
    await stage.server.restart();
    await waitFor(() => publisher.counts().pending === 0, { what: "all to be stored", deadlineMs: 20_000 });
    const found = (await stored(STREAMS.detections)).map((body) => Detection.parse(JSON.parse(body)).id);
    expect(found.sort()).toEqual([...ids].sort());
    const { published, duplicates, dropped } = publisher.counts();
    expect([published + duplicates, dropped]).toEqual([600, 0]);
    await publisher.close();
  });

  it("drops and counts what exceeds its bounds, and what is left when it is closed", async () => {
    await stage.server.kill();
    const byCount = new DetectionPublisher(link, { maxPending: 3 });
    expect(["a", "b", "c", "d", "e"].map((id) => byCount.publish(detection(id)))).toEqual([true, true, true, false, false]);
    expect(byCount.counts()).toMatchObject({ pending: 3, dropped: 2 });
    const size = JSON.stringify(detection("a")).length;
    const byBytes = new DetectionPublisher(link, { maxPendingBytes: 2 * size + 1 });
    expect(["a", "b", "c"].map((id) => byBytes.publish(detection(id)))).toEqual([true, true, false]);
    await byCount.close(1);
    expect(byCount.counts()).toMatchObject({ pending: 0, dropped: 5 });
    expect(byCount.publish(detection("f"))).toBe(false);
    await byBytes.close(1);
  });

  it("drops and counts a message larger than the server takes, and stores the others", async () => {
    const { log, lines } = recordingLog();
    const logged = stage.link({ log });
    const publisher = new FlowReportPublisher(logged, "i1");
    const flow = {
      flowId: "0123456789abcdef",
      inspector: "i1",
      flow: detection("a").flow,
      first: "",
      last: "",
      packets: 1,
      bytes: 1,
      detections: 0,
    };
    const report: FlowReport = { id: "large", flows: Array.from({ length: 4_096 }, () => ({ ...flow, first: "x".repeat(300) })) };
    publisher.publish(report);
    publisher.publish({ id: "small", flows: [flow] });
    await publisher.close();
    expect(publisher.counts()).toMatchObject({ published: 1, tooLarge: 1, dropped: 0 });
    expect((await stored(STREAMS.flows)).map((body) => FlowReport.parse(JSON.parse(body)).id)).toEqual(["small"]);
    expect(lines.some((line) => line.includes("too large"))).toBe(true);
  });

  it("retries what JetStream refuses, until it does not", async () => {
    const { streams } = await link.manager("test");
    await streams.update(STREAMS.detections, { subjects: ["elsewhere"] });
    const publisher = new DetectionPublisher(link);
    publisher.publish(detection("a"));
    await waitFor(() => publisher.counts().retries > 0, { what: "a first attempt to fail" });
    await streams.update(STREAMS.detections, { subjects: [subjects.allDetections] });
    await waitFor(() => publisher.counts().published === 1, { what: "the detection to be stored" });
    await publisher.close();
  });
});
