import { API_VERSION, type AgentStatus, type TopTalkers } from "@secuxflow/contracts";

type Item = TopTalkers["items"][number];

/** The sources that sent most over all agents: most bytes first, then most packets, then by address. */
export function topTalkers(agents: readonly AgentStatus[], limit: number, at: string): TopTalkers {
  const telling = agents.flatMap(({ agentId, top }) => (top === undefined ? [] : [{ agentId, top }]));
  const sum = new Map<string, Item>();
  for (const { agentId, top } of telling) {
    for (const { address, packets, bytes } of top.sources) {
      const before = sum.get(address);
      sum.set(address, {
        address,
        packets: (before?.packets ?? 0) + packets,
        bytes: (before?.bytes ?? 0) + bytes,
        agents: [...(before?.agents ?? []), agentId],
      });
    }
  }
  const items = [...sum.values()].sort(
    (a, b) => b.bytes - a.bytes || b.packets - a.packets || (a.address < b.address ? -1 : 1),
  );
  return {
    apiVersion: API_VERSION,
    kind: "TopTalkers",
    at,
    windowMs: Math.max(0, ...telling.map(({ top }) => top.windowMs)),
    agents: telling.length,
    items: items.slice(0, limit),
  };
}
