import { formatDuration, formatRate, type RuleSpec } from "@secuxflow/contracts";

/** The command line that makes a rule. */
export function ruleCommand(rule: RuleSpec): string[] {
  const flag = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [`--${name}`, String(value)];
  const { limit } = rule;
  return [
    "secuxflow-cli",
    "rule",
    "add",
    ...flag("src", rule.src),
    ...flag("dst", rule.dst),
    ...flag("sport", rule.sport),
    ...flag("port", rule.port),
    ...flag("proto", rule.proto),
    ...flag("family", rule.family),
    ...flag("icmp-type", rule.icmpType),
    ...flag("icmp-code", rule.icmpCode),
    ...flag("tcp-flags", rule.tcpFlags),
    ...flag("fragment", rule.fragment),
    ...flag("vlan", rule.vlan),
    ...flag("inner-vlan", rule.innerVlan),
    ...flag("iface", rule.iface),
    ...flag("length", rule.length),
    ...flag("state", rule.state),
    ...flag("action", rule.action),
    ...flag("rate", limit && formatRate(limit).replace(" ", "")),
    ...flag("burst", limit?.burst),
    ...flag("per", limit?.per === "source" ? "source" : undefined),
    ...flag("reject", rule.reject),
    ...flag("service", rule.service),
    ...(rule.monitor === true ? ["--monitor"] : []),
    ...flag("priority", rule.priority === 1_000 ? undefined : rule.priority),
    ...flag("ttl", rule.ttlMs === undefined ? undefined : formatDuration(rule.ttlMs)),
    ...flag("comment", rule.comment),
    ...flag("owner", rule.owner),
    ...rule.tags.flatMap((tag) => flag("tag", tag)),
    ...flag("alert", rule.alertId),
  ];
}
