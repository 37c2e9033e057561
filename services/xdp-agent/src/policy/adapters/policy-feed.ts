import { JetStreamEventStore, type NatsLink } from "@secuxflow/nats";
import type { Problems } from "../../telemetry/problems.js";
import type { PolicyApplier } from "../application/policy-applier.js";

export interface PolicyFeedOptions {
  readonly link: NatsLink;
  readonly policy: string;
  readonly applier: PolicyApplier;
  readonly problems: Problems;
  readonly signal: AbortSignal;
  readonly onCaughtUp: () => void;
}

/**
 * Feeds the policy stream to the applier, from the revision it stands at, until the signal aborts. A history that went
 * back (a stream that was made anew) is reported and not followed: the last good policy stays in force.
 */
export async function followPolicy({ link, policy, applier, problems, signal, onCaughtUp }: PolicyFeedOptions): Promise<void> {
  const store = new JetStreamEventStore(link);
  try {
    await store.follow(policy, {
      after: applier.revision,
      onMessage: ({ revision, message }) => { applier.take(revision, message); },
      onUnreadable: (revision, error) => { applier.stopAt(revision, error.message); },
      onCaughtUp: () => {
        applier.caughtUp();
        onCaughtUp();
      },
      signal,
    });
  } catch (error) {
    if (signal.aborted) return;
    problems.set("stream", `the policy stream cannot be followed: ${error instanceof Error ? error.message : String(error)}; revision ${applier.revision} stays in force`);
  }
}
