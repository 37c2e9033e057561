import { FlowReport } from "@secuxflow/contracts";
import { clickHouseTime, parseMicros } from "../../storage/domain/timestamp.js";
import { MalformedMessage, parseBody, wellFormed } from "./detection-row.js";
import { canonicalFlow } from "./grouping.js";

/** One row of the table `flows`, as it is inserted. */
export interface FlowRow {
  readonly report_id: string;
  readonly flow_id: string;
  readonly inspector: string;
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
  readonly proto: string;
  readonly first: string;
  readonly last: string;
  readonly packets: number;
  readonly bytes: number;
  readonly detections: number;
}

/**
 * Turns a message of the flows stream into rows: all of its flows or none.
 * @throws MalformedMessage
 */
export function readFlowReport(data: Uint8Array): FlowRow[] {
  const parsed = FlowReport.safeParse(parseBody(data));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new MalformedMessage(`no flow report: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const report = parsed.data;
  return report.flows.map((summary) => {
    const flow = canonicalFlow(summary.flow);
    const first = parseMicros(summary.first);
    const last = parseMicros(summary.last);
    if (flow === undefined || first === undefined || last === undefined) {
      throw new MalformedMessage(`no flow report: flow ${summary.flowId} has an address, a protocol or a time that is none`);
    }
    return {
      report_id: wellFormed(report.id),
      flow_id: summary.flowId,
      inspector: wellFormed(summary.inspector),
      src: flow.src, dst: flow.dst, sport: flow.sport, dport: flow.dport, proto: flow.proto,
      first: clickHouseTime(first),
      last: clickHouseTime(last),
      packets: summary.packets,
      bytes: summary.bytes,
      detections: summary.detections,
    };
  });
}
