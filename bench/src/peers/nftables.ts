import { FirstMatch } from "../rules/first-match.js";
import { addressText, hasPorts, isAnyPort, mask, prefixText, type BenchRule, type Flow, type Range } from "../rules/rule.js";

/** nftables' cheapest hook: ingress of one device, before anything else of the stack. */
const chain = (dev: string, body: readonly string[], sets = ""): string =>
  [
    `table netdev bench {\n${sets}  chain c {\n    type filter hook ingress device "${dev}" priority -500; policy accept;\n`,
    ...body.map((line) => `    ${line}\n`), "  }\n}\n",
  ].join("");

const range = ([low, high]: Range): string => (low === high ? String(low) : `${low}-${high}`);

/** One rule that drops everything. */
export const nftDropAll = (dev: string): string => chain(dev, ["counter drop"]);

/** The rules in a row, first match drops. */
export function nftChain(dev: string, rules: readonly BenchRule[]): string {
  return chain(dev, rules.map(({ src, dst, sport, dport, proto }) => [
    ...(src.length === 0 ? [] : [`ip saddr ${prefixText(src)}`]),
    ...(dst.length === 0 ? [] : [`ip daddr ${prefixText(dst)}`]),
    ...(proto === undefined ? [] : [`ip protocol ${proto}`]),
    ...(isAnyPort(sport) ? [] : [`th sport ${range(sport)}`]),
    ...(isAnyPort(dport) ? [] : [`th dport ${range(dport)}`]),
    "counter drop",
  ].join(" ")));
}

/** A box of the five-dimensional space, from the first to the last value of each field. */
type Box = readonly Range[];

/** The boxes of a set element: source, destination, protocol, ports. Without a protocol: 0 to 255. */
function boxOf({ src, dst, sport, dport, proto }: BenchRule): Box {
  const span = (address: number, length: number): Range => [address, (address | ~mask(length)) >>> 0];
  return [span(src.address, src.length), span(dst.address, dst.length), proto === undefined ? [0, 255] : [proto, proto], sport, dport];
}

/**
 * The rules that a concatenated set with intervals takes: the kernel (nft_set_pipapo) refuses an element whose first or last
 * key lies in another one, and a key needs ports, which only TCP and UDP have. Earlier rules go before later ones.
 */
export function nftSetElements(rules: readonly BenchRule[]): BenchRule[] {
  const taken = new FirstMatch();
  return rules.filter((rule) => {
    if (rule.proto !== undefined && !hasPorts(rule.proto)) return false;
    const box = boxOf(rule);
    if ([0, 1].some((end) => taken.find(corner(box, end)) !== -1)) return false;
    taken.add(rule);
    return true;
  });
}

function corner(box: Box, end: number): Flow {
  const [src = 0, dst = 0, proto = 0, sport = 0, dport = 0] = box.map((range) => range[end] ?? 0);
  return { src, dst, proto, sport, dport };
}

/** One look-up in a concatenated set of the elements. */
export function nftSet(dev: string, elements: readonly BenchRule[]): string {
  const text = (box: Box): string => box.map(([low, high], i) => {
    const show = i < 2 ? addressText : String;
    return low === high ? show(low) : `${show(low)}-${show(high)}`;
  }).join(" . ");
  const set = "  set s {\n    type ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service\n    flags interval\n"
    + (elements.length === 0 ? "" : `    elements = { ${elements.map((rule) => text(boxOf(rule))).join(",\n      ")} }\n`) + "  }\n";
  return chain(dev, ["ip saddr . ip daddr . ip protocol . th sport . th dport @s counter drop"], set);
}
