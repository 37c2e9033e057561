import type { Span } from "../output/printer.js";
import { table, type Column } from "../output/table.js";
import { counted, formatBitRate, formatCount, formatRate } from "../text/numbers.js";
import type { Flow, StatsRates } from "./rates.js";

const MOST_RULES = 10;

interface Row extends Flow {
  readonly name: string;
}

const rateColumns = <T extends Flow>(): Column<T>[] => [
  { title: "PACKETS/S", value: ({ packetsPerSecond }) => formatRate(packetsPerSecond), align: "right" },
  { title: "BITS/S", value: ({ bitsPerSecond }) => formatBitRate(bitsPerSecond), align: "right" },
  { title: "PACKETS", value: ({ packets }) => formatCount(packets), align: "right" },
];

/** One interval for people. `nameOf` tells what a rule matches, where it is known. */
export function statsLines(rates: StatsRates, nameOf: (ruleId: number) => string | undefined, width: number): Span[][] {
  const { verdicts, forwarded, inspected, lost, findings, agents, inspectors, rules } = rates;
  const rows: Row[] = [
    { name: "pass", ...verdicts.pass },
    { name: "drop", ...verdicts.drop },
    ...(["limited", "rejected", "redirected"] as const).flatMap((name): Row[] => {
      const flow = verdicts[name];
      return flow === undefined || flow.packets === 0 ? [] : [{ name, ...flow }];
    }),
    { name: "forwarded", ...forwarded },
    { name: "inspected", ...inspected },
  ];
  const head: Span[] = [
    { text: rates.at, style: "bold" },
    `  over ${(rates.intervalMs / 1_000).toFixed(1)} s, ${counted(agents.live, "agent")}, ${counted(inspectors.live, "inspector")}`,
  ];
  const share = lost.total === 0 ? "" : ` = ${(lost.share * 100).toFixed(2)} %`;
  const losses: Span[] = [
    "lost       ",
    { text: `${formatCount(lost.total)}${share}`, style: lost.total > 0 ? "red" : "green" },
    ` (ring ${formatCount(lost.ring)}, agent ${formatCount(lost.agent)}, transit ${formatCount(lost.transit)}, queue ${formatCount(lost.queue)})`,
  ];
  const found: Span[] = [
    "findings   ",
    { text: formatCount(findings.count), style: findings.count > 0 ? "yellow" : "green" },
    ` (${formatRate(findings.perSecond)})`,
  ];
  const top = rules.slice(0, MOST_RULES);
  const ruleColumns: Column<(typeof top)[number]>[] = [
    { title: "RULE", value: ({ id }) => String(id), align: "right" },
    { title: "MATCH", value: ({ id }) => nameOf(id) ?? "", shrinkTo: 16, optional: 1 },
    ...rateColumns<(typeof top)[number]>(),
  ];
  return [
    head,
    ...table<Row>(
      [
        { title: "", value: ({ name }) => name, style: ({ name }) => (name === "drop" ? "red" : undefined) },
        ...rateColumns<Row>(),
      ],
      rows,
      width,
    ),
    losses,
    found,
    ...(rates.unparsed > 0 ? [[`unparsed   ${formatCount(rates.unparsed)}`]] : []),
    ...(rates.malformed > 0 ? [[`malformed  ${counted(rates.malformed, "frame")}`]] : []),
    ...changes(rates).map((line): Span[] => [{ text: line, style: "yellow" }]),
    ...(top.length === 0 ? [["no rule was hit"]] : table(ruleColumns, top, width)),
    ...(rules.length > top.length ? [[`and ${counted(rules.length - top.length, "more rule")} with hits`]] : []),
  ];
}

/** What happened to those who count: the numbers of this interval are to be read with it. */
function changes({ agents, inspectors }: StatsRates): string[] {
  return [
    ...(
      [
        ["agent", agents],
        ["inspector", inspectors],
      ] as const
    ).flatMap(([what, { joined, left, reset }]) => [
      ...joined.map((id) => `${what} ${id} is new: counted from now on`),
      ...left.map((id) => `${what} ${id} is gone`),
      ...reset.map((id) => `${what} ${id} began to count anew`),
    ]),
  ];
}
