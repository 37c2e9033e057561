import { formatRate } from "../net/rate.js";
import type { MatchFields } from "./match.js";
import type { FilterRule } from "./rule.js";

const end = (address: string, port: number | string | undefined): string => {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
};

/** One line for people: "tcp 192.168.1.0/24 -> 10.0.0.5:80 flags syn,!ack". */
export function describeMatch(match: MatchFields): string {
  const named = (name: string, value: number | string | undefined) => (value === undefined ? [] : [`${name} ${value}`]);
  return [
    ...(match.family === undefined ? [] : [`ipv${match.family}`]),
    ...(match.proto === "any" ? [] : [match.proto]),
    `${end(match.src, match.sport)} -> ${end(match.dst, match.port)}`,
    ...named("type", match.icmpType),
    ...named("code", match.icmpCode),
    ...named("flags", match.tcpFlags),
    ...named("fragment", match.fragment),
    ...named("vlan", match.vlan),
    ...named("inner vlan", match.innerVlan),
    ...named("on", match.iface),
    ...named("length", match.length),
    ...named("state", match.state),
  ].join(" ");
}

type Acting = Pick<FilterRule, "action" | "limit" | "service" | "monitor"> & { readonly reject?: string | undefined };

/** What a rule does, for people: "drop", "limit 1000/s per source", "redirect to shop". */
export function describeAction({ action, limit, service, reject, monitor }: Acting): string {
  return [
    monitor === true ? `monitor ${action}` : action,
    ...(limit === undefined ? [] : [`${formatRate(limit)}${limit.per === "source" ? " per source" : ""}`]),
    ...(service === undefined ? [] : [`to ${service}`]),
    ...(reject === undefined ? [] : [reject]),
  ].join(" ");
}

/** One line for people: "drop tcp any -> 10.0.0.5:80". */
export const describeRule = (rule: MatchFields & Acting): string => `${describeAction(rule)} ${describeMatch(rule)}`;
