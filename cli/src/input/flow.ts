import { describeMatch } from "@secuxflow/contracts";

/** One line for people: "tcp 10.1.0.9:51234 -> 10.2.0.5:80". Port 0 means that the protocol has none. */
export function describeFlow(flow: { src: string; dst: string; sport: number; dport: number; proto: string }): string {
  const port = (value: number) => (value === 0 ? undefined : value);
  return describeMatch({ src: flow.src, dst: flow.dst, sport: port(flow.sport), port: port(flow.dport), proto: flow.proto });
}
