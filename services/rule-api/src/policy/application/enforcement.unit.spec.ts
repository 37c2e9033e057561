import type { AgentStatus } from "@secuxflow/contracts";
import { expect, it } from "vitest";
import { LIVE_MS, LiveRegistry } from "../../telemetry/application/live-registry.js";
import { agentStatus, TestClock } from "../../testing/world.js";
import { EnforcementWatch } from "./enforcement.js";

const setup = () => {
  const clock = new TestClock();
  const agents = new LiveRegistry<AgentStatus>(clock);
  return { clock, agents, watch: new EnforcementWatch(agents, "default", clock) };
};
const LONG = 30_000;

it("is content at once when everybody has it", async () => {
  const { agents, watch } = setup();
  agents.put("a", agentStatus("a", 5));
  expect(await watch.wait(5, LONG)).toMatchObject({ revision: 5, agents: 1, active: 1, pending: [] });
});

it("looks once when it must not wait", async () => {
  const { agents, watch } = setup();
  agents.put("a", agentStatus("a", 4));
  agents.put("b", agentStatus("b", 6));
  expect(await watch.wait(5, 0)).toMatchObject({ agents: 2, active: 1, pending: ["a"] });
});

it("leaves agents of other policies out", async () => {
  const { agents, watch } = setup();
  agents.put("x", agentStatus("x", 0, { policy: "other" }));
  expect(await watch.wait(5, LONG)).toMatchObject({ agents: 0, pending: [] });
});

it("waits for agents that turn up meanwhile", async () => {
  const { agents, watch } = setup();
  agents.put("a", agentStatus("a", 0));
  const waiting = watch.wait(5, LONG);
  agents.put("b", agentStatus("b", 0));
  agents.put("a", agentStatus("a", 5));
  agents.put("b", agentStatus("b", 5));
  expect(await waiting).toMatchObject({ agents: 2, active: 2 });
});

it("names an agent that dies, lets one go that ends in order", async () => {
  const { agents, clock, watch } = setup();
  agents.put("dies", agentStatus("dies", 0));
  agents.put("ends", agentStatus("ends", 0));
  const waiting = watch.wait(5, 50);
  clock.forward(LIVE_MS + 1);
  agents.delete("ends");
  expect(await waiting).toMatchObject({ agents: 1, active: 0, pending: ["dies"] });
});

it("does not wait beyond their term for agents that are only known from the bucket", async () => {
  const { agents, clock, watch } = setup();
  agents.put("old", agentStatus("old", 0), true);
  agents.put("here", agentStatus("here", 0));
  const waiting = watch.wait(5, LONG);
  clock.forward(LIVE_MS + 1);
  agents.put("here", agentStatus("here", 5));
  expect(await waiting).toMatchObject({ agents: 1, active: 1, pending: [] });
});
