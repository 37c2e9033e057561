import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseIptablesPackets } from "../rig/counters.js";
import { hasTool, requireTool, runCommand, type Namespace } from "@secuxflow/testkit";

/** A ruleset of 10,000 rules takes nftables seconds. */
const LOAD_MS = 120_000;

/** Why a tool cannot take part, or undefined. */
export const missing = (tool: "nft" | "iptables-restore"): string | undefined =>
  (hasTool(tool) ? undefined : `${tool} is not installed (Debian package ${tool === "nft" ? "nftables" : "iptables"})`);

/** "iptables v1.8.9 (nf_tables)": which of the two kernels' back ends the machine's iptables uses. */
export const iptablesVersion = async (): Promise<string> => (await runCommand(requireTool("iptables"), ["--version"])).stdout.trim();

/** Puts a ruleset of nftables into a namespace, from a file; returns what takes it out again. */
export async function loadNft(namespace: Namespace, folder: string, ruleset: string): Promise<() => Promise<void>> {
  const file = join(folder, "ruleset.nft");
  writeFileSync(file, ruleset);
  await namespace.exec(requireTool("nft"), ["-f", file], { timeoutMs: LOAD_MS });
  return async () => { await namespace.exec(requireTool("nft"), ["flush", "ruleset"], { timeoutMs: LOAD_MS }); };
}

/** Packets that rules of the raw table have matched. */
export const iptablesMatched = async (namespace: Namespace): Promise<number> =>
  parseIptablesPackets((await namespace.exec(requireTool("iptables"), ["-t", "raw", "-nvxL", "PREROUTING"], { timeoutMs: LOAD_MS })).stdout);

/** The same for a file of iptables-restore that fills the raw table. */
export async function loadIptables(namespace: Namespace, rules: string): Promise<() => Promise<void>> {
  await namespace.exec(requireTool("iptables-restore"), [], { input: rules, timeoutMs: LOAD_MS });
  return async () => { await namespace.exec(requireTool("iptables"), ["-t", "raw", "-F"], { timeoutMs: LOAD_MS }); };
}
