import type { Detection, FlowReport } from "@secuxflow/contracts";
import { BatchReader } from "@secuxflow/inspect-abi";
import { buildFrame } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { TestPublisher } from "../../testing/frames.js";
import { FlowReporter } from "./flow-reporter.js";

function setup(capacity: number) {
  const reports: FlowReport[] = [];
  const waiting: (() => void)[] = [];
  const reporter = new FlowReporter({
    inspectorId: "one", capacity, nonce: "n", salt: 7, publish: (report) => reports.push(report) > 0,
    later: (callback) => void waiting.push(callback),
  });
  const turn = (): void => waiting.splice(0).forEach((callback) => callback());
  const account = (ports: number[]): void => {
    const packets = ports.map((srcPort) =>
      buildFrame({ ipv4: { src: "192.168.1.1", dst: "10.0.0.5" }, udp: { srcPort, dstPort: 53 } }));
    for (const { frame } of new TestPublisher().frames(packets, { modules: 1 })) reporter.account(new BatchReader(frame));
  };
  const ports = (): number[] => reports.flatMap(({ flows }) => flows.map(({ flow }) => flow.sport)).sort((a, b) => a - b);
  return { reporter, reports, turn, account, ports };
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

describe("FlowReporter", () => {
  it("writes what was summed up in reports of bounded size, the event loop in between", () => {
    const { reporter, reports, turn, account } = setup(4_000);
    account(range(1, 2_500));
    expect(reporter.report()).toBe(true);
    expect(reports).toEqual([]);
    turn();
    expect(reports.map(({ flows }) => flows.length)).toEqual([1_000]);
    expect(reporter.report()).toBe(false);
    turn();
    turn();
    expect(reports.map(({ id, flows }) => [id, flows.length])).toEqual([["n-1", 1_000], ["n-2", 1_000], ["n-3", 500]]);
    expect(reporter.report()).toBe(true);
    turn();
    expect(reports.length).toBe(3);
  });

  it("writes a full table early, and counts what finds no room in either", () => {
    const { reporter, turn, account, ports } = setup(16);
    account(range(1, 16));
    account(range(101, 16));
    expect(reporter.untracked).toBe(0);
    account(range(201, 5));
    account(range(101, 3));
    expect(reporter.untracked).toBe(5);
    turn();
    expect(ports()).toEqual(range(1, 16));
    reporter.flush();
    expect(ports()).toEqual([...range(1, 16), ...range(101, 16)]);
  });

  it("counts detections on their flow, also when its packets were reported before", () => {
    const { reporter, reports, account } = setup(16);
    account([1_000]);
    reporter.flush();
    const [before] = reports[0]?.flows ?? [];
    expect(before).toMatchObject({ packets: 1, detections: 0 });
    const detection = { flowId: before?.flowId, flow: before?.flow, direction: "to_server",
      time: "2026-01-01T00:00:00.000000Z" } as Detection;
    reporter.detected(detection);
    reporter.detected({ ...detection, direction: "to_client", flow: {
      src: "10.0.0.5", dst: "192.168.1.1", sport: 53, dport: 1_000, proto: "udp",
    } });
    reporter.flush();
    expect(reports[1]?.flows).toEqual([{
      ...before, packets: 0, bytes: 0, detections: 2, first: "2026-01-01T00:00:00.000000Z", last: "2026-01-01T00:00:00.000000Z",
    }]);
  });
});
