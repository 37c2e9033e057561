import type { ModuleBinding, PolicyMessage } from "@secuxflow/contracts";
import { waitFor } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { PolicyFollower, type FollowStore } from "./policy-follower.js";

const binding = (name: string, bit: number): ModuleBinding =>
  ({ name, bit, version: "1.0.0", digest: `sha256:${"0".repeat(64)}`, title: name });
const registered = (name: string, bit: number): PolicyMessage => ({
  actor: "test", at: "2026-01-01T00:00:00Z",
  events: [{ type: "module.registered", version: 1, data: { module: binding(name, bit) } }],
});
const deleted: PolicyMessage = { actor: "test", at: "2026-01-01T00:00:00Z",
  events: [{ type: "rule.deleted", version: 1, data: { id: 1 } }] };
const released: PolicyMessage = { actor: "test", at: "2026-01-01T00:00:00Z",
  events: [{ type: "module.released", version: 1, data: { name: "ips" } }] };

/** Each call of `follow` does the next step and then waits for the end, unless it throws. */
function follower(...steps: ((options: Parameters<FollowStore["follow"]>[1]) => void)[]) {
  const afters: number[] = [];
  const told: string[] = [];
  const store: FollowStore = {
    follow: async (_policy, options) => {
      afters.push(options.after);
      steps.shift()?.(options);
      await new Promise<void>((resolve) => options.signal.addEventListener("abort", () => resolve()));
    },
  };
  const log = { warn: () => undefined, error: () => undefined };
  const following = new PolicyFollower(store, "default", log, {
    onPolicy: ({ modules }, revision) => told.push(`${revision} ${[...modules.values()].map(({ name, bit }) => `${name}=${bit}`).join()}`),
    onReleased: (name) => told.push(`released ${name}`),
  });
  const stop = new AbortController();
  return { following, afters, told, stop, running: following.run(stop.signal) };
}

describe("PolicyFollower", () => {
  it("tells of modules once it has caught up, and keeps what it has at a message that cannot be read", async () => {
    const { following, told, stop, running } = follower(({ onMessage, onUnreadable, onCaughtUp }) => {
      onMessage({ revision: 2, message: released });
      onMessage({ revision: 3, message: registered("ips", 0) });
      onCaughtUp();
      onMessage({ revision: 4, message: deleted });
      onMessage({ revision: 5, message: released });
      onMessage({ revision: 6, message: registered("waf", 1) });
      onUnreadable(7, new Error("version 9"));
      onMessage({ revision: 8, message: registered("dns", 2) });
    });
    await waitFor(() => told.length === 5, { what: "all changes" });
    stop.abort();
    await running;
    expect(told).toEqual(["3 ips=0", "4 ips=0", "released ips", "5 ips=0", "6 ips=0,waf=1"]);
    expect([following.revision, following.problem]).toEqual([6, "revision 7 of the policy: version 9"]);
  });

  it("goes on where it was after an error, and begins again where history was lost", async () => {
    const { afters, told, stop, running } = follower(
      ({ onMessage, onCaughtUp }) => {
        onCaughtUp();
        onMessage({ revision: 5, message: registered("ips", 0) });
        throw new Error("NATS is away");
      },
      () => {
        throw Object.assign(new Error("lost"), { name: "HistoryRewound" });
      },
      ({ onMessage }) => onMessage({ revision: 1, message: registered("waf", 1) }),
    );
    await waitFor(() => told.length === 3, { what: "all changes" });
    stop.abort();
    await running;
    expect(afters).toEqual([0, 5, 0]);
    expect(told).toEqual(["0 ", "5 ips=0", "1 waf=1"]);
  });
});
