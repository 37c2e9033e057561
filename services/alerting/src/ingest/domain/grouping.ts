import { formatAddress, formatProtocol, parseAddress, parseProtocol, type Detection, type FlowKey } from "@secuxflow/contracts";
import type { Micros } from "../../storage/domain/timestamp.js";

/** Who attacks whom, as far as one packet tells. */
export interface Parties {
  readonly attacker: string;
  readonly attackerPort: number;
  readonly victim: string;
  readonly victimPort: number;
}

/**
 * Who attacks whom:
 *
 * - `to_server` and `unknown`: the packet is taken for the attack, so its source is the attacker.
 * - `to_client`: the packet is an answer (an error message, data that leaks) that shows that an attack was made. Who made it
 *   is the one who asked: the packet's destination. A rule must drop the questions, so the ports change places too.
 *
 * A server that attacks its clients (malware in an answer) looks the same on the wire and is named the victim here; the
 * suggestion warns of that.
 */
export function partiesOf(flow: FlowKey, direction: Detection["direction"]): Parties {
  return direction === "to_client"
    ? { attacker: flow.dst, attackerPort: flow.dport, victim: flow.src, victimPort: flow.sport }
    : { attacker: flow.src, attackerPort: flow.sport, victim: flow.dst, victimPort: flow.dport };
}

/** What makes detections one alert: these values and the window of time. */
export interface GroupFields {
  readonly policy: string;
  readonly module: string;
  readonly ruleId: number;
  readonly attacker: string;
  readonly victim: string;
}

/** The group as one text: different groups have different texts (JSON quotes what is inside the fields). */
export function groupKey(fields: GroupFields): string {
  return JSON.stringify([fields.policy, fields.module, fields.ruleId, fields.attacker, fields.victim]);
}

/** Start of the window of time that a detection lies in. Windows of `windowMs` (whole seconds) are counted from 1970. */
export function bucketStart(time: Micros, windowMs: number): Micros {
  const window = windowMs * 1_000;
  return Math.floor(time / window) * window;
}

/**
 * The flow with its addresses and protocol in canonical text (RFC 5952), so that equal ones are equal texts.
 * Undefined when an address or the protocol is none.
 */
export function canonicalFlow(flow: FlowKey): FlowKey | undefined {
  const proto = parseProtocol(flow.proto);
  if (proto === undefined || proto === "any") return undefined;
  try {
    return {
      ...flow,
      src: formatAddress(parseAddress(flow.src)),
      dst: formatAddress(parseAddress(flow.dst)),
      proto: formatProtocol(proto),
    };
  } catch {
    return undefined;
  }
}
