import { isAnyPort, prefixText, TCP, UDP, type BenchRule, type Range } from "../rules/rule.js";

const range = ([low, high]: Range): string => (low === high ? String(low) : `${low}:${high}`);

/** One rule of the raw table that drops everything. */
export const iptablesDropAll = (): string => restore(["-A PREROUTING -j DROP"]);

/** The rules in a row in the raw table's PREROUTING, iptables' earliest place. */
export function iptablesChain(rules: readonly BenchRule[]): string {
  return restore(rules.map(({ src, dst, sport, dport, proto }) => [
    "-A PREROUTING",
    ...(src.length === 0 ? [] : [`-s ${prefixText(src)}`]),
    ...(dst.length === 0 ? [] : [`-d ${prefixText(dst)}`]),
    ...(proto === undefined ? [] : [`-p ${proto === TCP ? "tcp" : proto === UDP ? "udp" : proto}`]),
    ...(isAnyPort(sport) ? [] : [`--sport ${range(sport)}`]),
    ...(isAnyPort(dport) ? [] : [`--dport ${range(dport)}`]),
    "-j DROP",
  ].join(" ")));
}

const restore = (lines: readonly string[]): string => ["*raw", ":PREROUTING ACCEPT [0:0]", ...lines, "COMMIT", ""].join("\n");
