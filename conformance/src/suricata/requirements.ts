import type { Requirements } from "./test-case.js";

/** The Suricata that our behaviour is compared with: tests that only an older one passes are not run. */
export const LIKE_VERSION = "9.0.0";

/** Features that a build of Suricata may have, and this engine has. */
const FEATURES: ReadonlySet<string> = new Set(["HAVE_JA3", "HAVE_JA4", "HAVE_NSS", "HAVE_LIBJANSSON", "HTTP2_DECOMPRESSION", "RUST", "HAVE_PCAP_SET_BUFF", "MAGIC", "QA_SIMULATION", "LIBNET1.1"]);

const reasons: Readonly<Record<string, string | undefined>> = {
  HAVE_LUA: "needs Lua scripts in rules, which are refused: a rule must not run code",
  DEBUG: "needs a debug build of Suricata",
};

function compare(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0)) as [number[], number[]];
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Why a test (or a check) with these requirements is not for us; undefined when it is. */
export function unmet(requires: Requirements): string | undefined {
  const { "min-version": min, "gt-version": gt, "lt-version": lt, version, features = [], script, os, arch, ...rest } = requires;
  if (min !== undefined && compare(LIKE_VERSION, String(min)) < 0) return `needs Suricata ${String(min)}`;
  if (gt !== undefined && compare(LIKE_VERSION, String(gt)) <= 0) return `needs Suricata after ${String(gt)}`;
  if (lt !== undefined && compare(LIKE_VERSION, String(lt)) >= 0) return `tells how Suricata before ${String(lt)} behaved`;
  if (version !== undefined && compare(LIKE_VERSION, String(version)) !== 0) return `tells how Suricata ${String(version)} behaved`;
  for (const feature of features) if (!FEATURES.has(feature)) return reasons[feature] ?? `needs Suricata's build feature ${feature}`;
  if (script !== undefined) return "asks a script about Suricata's source code";
  if (os !== undefined && !JSON.stringify(os).includes("linux")) return `needs ${JSON.stringify(os)}`;
  if (arch !== undefined && !JSON.stringify(arch).includes("x86_64")) return `needs ${JSON.stringify(arch)}`;
  const other = Object.keys(rest).filter((key) => !["files", "pcap", "cmdline", "env", "test-exec", "lambda"].includes(key));
  return other.length > 0 ? `unknown requirement ${other.join(", ")}` : undefined;
}
