import { formatAddress, parseAddress } from "@secuxflow/inspect-abi";
import type { Detection } from "@secuxflow/contracts";

/** What a module says itself of the flow that it found something in. */
export interface ToldFlow {
  readonly flow: Pick<Detection["flow"], "src" | "dst" | "sport" | "dport">;
  readonly direction: Detection["direction"] | undefined;
}

const port = (value: unknown): number | undefined =>
  value === undefined ? 0 : typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : undefined;

function address(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return formatAddress(parseAddress(value), 0);
  } catch {
    return undefined;
  }
}

/**
 * Addresses, ports and direction in the EVE text of a finding. A finding that is made when a flow ends, or in a packet inside of
 * a tunnel, is about another flow than the record says.
 * @returns undefined when the text names no flow
 */
export function toldFlow(eve: string | undefined): ToldFlow | undefined {
  if (eve === undefined) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(eve);
  } catch {
    return undefined;
  }
  if (typeof fields !== "object" || fields === null) return undefined;
  const { src_ip, dest_ip, src_port, dest_port, direction } = fields as Record<string, unknown>;
  const [src, dst, sport, dport] = [address(src_ip), address(dest_ip), port(src_port), port(dest_port)];
  if (src === undefined || dst === undefined || sport === undefined || dport === undefined) return undefined;
  return { flow: { src, dst, sport, dport }, direction: direction === "to_server" || direction === "to_client" ? direction : undefined };
}

/** Whether both are about the same two ends, whichever is the source. */
export function sameEnds(a: ToldFlow["flow"], b: ToldFlow["flow"]): boolean {
  const ends = ({ src, dst, sport, dport }: ToldFlow["flow"]): string => [`${src} ${sport}`, `${dst} ${dport}`].sort().join();
  return ends(a) === ends(b);
}
