import type { AlertingStatus } from "@secuxflow/contracts";

export interface StatusSources {
  readonly storage: "chdb" | "server";
  readonly counts: () => Promise<{ detections: number; flows: number }>;
  /** Messages in the stream that are not stored yet. */
  readonly pending: () => Promise<number>;
  /** Everything that is wrong just now, for people. */
  readonly problems: () => string[];
}

/** How the service is. Never fails: what cannot be told is 0 and has its reason among the problems. */
export async function alertingStatus(sources: StatusSources): Promise<AlertingStatus> {
  const problems = sources.problems();
  const [counts, pending] = await Promise.allSettled([sources.counts(), sources.pending()]);
  for (const result of [counts, pending]) {
    if (result.status === "rejected")
      problems.push(result.reason instanceof Error ? result.reason.message : String(result.reason));
  }
  return {
    storage: sources.storage,
    storageOk: counts.status === "fulfilled",
    detections: counts.status === "fulfilled" ? counts.value.detections : 0,
    pending: pending.status === "fulfilled" ? pending.value : 0,
    flows: counts.status === "fulfilled" ? counts.value.flows : 0,
    problems: [...new Set(problems)],
  };
}
