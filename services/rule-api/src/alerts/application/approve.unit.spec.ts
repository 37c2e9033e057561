import { ApproveRequest, ProblemError } from "@secuxflow/contracts";
import { afterEach, describe, expect, it } from "vitest";
import { FakeAlerting } from "../../testing/alerting.js";
import { AT_ONCE, context, spec, World } from "../../testing/world.js";
import { ApproveAlert, approvedRule } from "./approve.js";

const worlds: World[] = [];
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()));
});

const start = async () => {
  const world = await new World().ready();
  worlds.push(world);
  const alerting = new FakeAlerting();
  return { world, alerting, approval: new ApproveAlert(alerting, world.service) };
};
const request = (overrides: object = {}) => ApproveRequest.parse({ ...overrides, options: { waitMs: 0 } });
const admin = { actor: "admin" };

describe("the rule that is made", () => {
  it("is the suggested one, with what is wanted otherwise", async () => {
    const suggestion = await new FakeAlerting().suggest(3);
    expect(approvedRule(suggestion, {})).toEqual({ ...suggestion.rule, alertId: 3 });
    expect(approvedRule(suggestion, { ttlMs: null })).not.toHaveProperty("ttlMs");
    expect(approvedRule(suggestion, { ttlMs: 60_000, priority: 5, comment: "now" })).toMatchObject({
      ttlMs: 60_000,
      priority: 5,
      comment: "now",
    });
  });

  it("is refused where it would not be valid", async () => {
    const suggestion = await new FakeAlerting().suggest(3);
    expect(() => approvedRule(suggestion, { ttlMs: 5 })).toThrow(/ttlMs: a ttl is at least 1s/);
  });
});

describe("approving", () => {
  it("makes the rule and marks the alert", async () => {
    const { world, alerting, approval } = await start();
    const approved = await approval.approve(3, request(), admin);
    expect(approved).toMatchObject({ kind: "AlertApproved", alertId: 3, rule: { id: 1, src: "10.66.0.3", alertId: 3 } });
    expect(approved.warnings).toContain("few flows are known");
    expect(alerting.triaged).toEqual([{ id: 3, state: "approved", actor: "admin", ruleId: 1 }]);
    expect((await world.messages())[0]?.actor).toBe("admin");
  });

  it("twice gives the same rule, also with other wishes", async () => {
    const { world, approval } = await start();
    const first = await approval.approve(3, request(), admin);
    const again = await approval.approve(3, request({ priority: 1 }), admin);
    expect(again.rule).toEqual(first.rule);
    expect(again.warnings).toContain("alert 3 was approved before: rule 1 stands as it was made then");
    expect(await world.messages()).toHaveLength(1);
  });

  it("is content with a rule that does the same", async () => {
    const { world, alerting, approval } = await start();
    await world.service.addRule(
      spec({ src: "10.66.0.3", dst: "10.0.0.5", proto: "tcp", port: 80, action: "drop" }),
      context(),
      AT_ONCE,
    );
    const approved = await approval.approve(3, request(), admin);
    expect(approved.warnings).toContain("rule 1 already does this: alert 3 is answered by it");
    expect(alerting.triaged[0]?.ruleId).toBe(1);
    expect(world.state.rules.size).toBe(1);
  });

  it("passes on that an alert is not there", async () => {
    const { world, approval } = await start();
    await expect(approval.approve(42, request(), admin)).rejects.toMatchObject({ code: "not_found" });
    expect(await world.messages()).toEqual([]);
  });

  it("asks as adding a rule does, and marks nothing until then", async () => {
    const { alerting, approval } = await start();
    alerting.rule = () => spec({ src: "127.0.0.1", action: "drop" });
    await expect(approval.approve(3, request(), admin)).rejects.toMatchObject({ code: "confirmation_required" });
    expect(alerting.triaged).toEqual([]);
    expect((await approval.approve(3, ApproveRequest.parse({ options: { confirm: true, waitMs: 0 } }), admin)).rule.id).toBe(1);
  });

  it("marks the alert in the end when the alerting service was away for a moment", async () => {
    const { alerting, approval } = await start();
    alerting.failures = 2;
    expect((await approval.approve(3, request(), admin)).warnings).toHaveLength(2);
    expect(alerting.triaged).toHaveLength(1);
  });

  it("says so when the alert could not be marked; approving again does it", async () => {
    const { alerting, approval } = await start();
    alerting.failures = 3;
    const approved = await approval.approve(3, request(), admin);
    expect(approved.warnings.at(-1)).toContain(
      "the rule stands, but alert 3 could not be marked as approved (away); say it again: secuxflow-cli alert approve 3",
    );
    alerting.failures = 0;
    expect((await approval.approve(3, request(), admin)).rule.id).toBe(approved.rule.id);
    expect(alerting.triaged).toHaveLength(1);
  });

  it("does not insist where the alerting service refuses", async () => {
    const { alerting, approval } = await start();
    alerting.failures = 1;
    alerting.failWith = new ProblemError("conflict", "dismissed meanwhile");
    expect((await approval.approve(3, request(), admin)).warnings.at(-1)).toContain("dismissed meanwhile");
    expect(alerting.triaged).toEqual([]);
  });
});
