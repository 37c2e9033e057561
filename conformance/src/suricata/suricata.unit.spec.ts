import { describe, expect, it } from "vitest";
import { atFlowStart } from "./drop-log.js";
import { withForwarded } from "./forwarded-for.js";
import { matches, valueAt } from "./match.js";
import { unmet } from "./requirements.js";
import { settingsOf } from "./settings.js";

describe("matches", () => {
  const event = {
    event_type: "alert",
    src_port: 80,
    alert: { signature_id: 1, metadata: { tag: ["a", "b"] } },
    files: [{ filename: "x.txt", size: 3 }],
    drop: { reason: "rules" },
  };
  it.each([
    [{ event_type: "alert", "alert.signature_id": 1 }, true],
    [{ "alert.signature_id": 2 }, false],
    [{ src_port: "80" }, true],
    [{ "files[0].filename": "x.txt", "files[0].size": 3 }, true],
    [{ "files[1].filename": "x.txt" }, false],
    [{ "alert.metadata.tag[1]": "b" }, true],
    [{ "has-key": "drop.reason" }, true],
    [{ "not-has-key": "drop.reason" }, false],
    [{ "not-has-key": "drop.other" }, true],
    [{ files__len: 1 }, true],
    [{ "alert.metadata.tag__contains": "b" }, true],
    [{ "drop.reason__startswith": "ru", "drop.reason__endswith": "es" }, true],
    [{ "drop.reason__startswith": "es" }, false],
    [{ constructor: "x" }, false],
  ])("%j: %s", (match, expected) => {
    expect(matches(event, match)).toBe(expected);
  });

  it("finds nothing where nothing is", () => {
    for (const path of ["a.b.c", "files[0][0].x", "", "[0]", "alert.__proto__"]) expect(valueAt(event, path)).toBe(path === "" ? event : undefined);
  });
});

describe("unmet", () => {
  it.each([
    [{ "min-version": 7 }, undefined],
    [{ "min-version": "10.0.0" }, "needs Suricata 10.0.0"],
    [{ "lt-version": "7.0.0" }, "tells how Suricata before 7.0.0 behaved"],
    [{ "gt-version": "6.0.11" }, undefined],
    [{ features: ["HAVE_JA3"] }, undefined],
    [{ features: ["HAVE_LUA"] }, expect.stringContaining("Lua")],
    [{ features: ["SOMETHING"] }, expect.stringContaining("SOMETHING")],
    [{ tomorrow: true }, "unknown requirement tomorrow"],
  ])("%j: %s", (requires, expected) => {
    expect(unmet(requires)).toEqual(expected);
  });
});

describe("settingsOf", () => {
  it("takes the file, then --set, then -k and --simulate-ips", () => {
    const file = { stream: { midstream: "no", reassembly: { depth: "1mb" } }, vars: { "address-groups": { HOME_NET: ["10.0.0.0/8", "!10.1.0.0/16"] } } };
    const settings = settingsOf(file, ["--set", "stream.midstream=true", "-k", "none", "--simulate-ips"]);
    expect(settings.configure.split("\n").sort()).toEqual([
      "async=0", "checksum=0", "inline-window=2560", "inline=1", "midstream=1", "raw-chunk=2560", "stream-depth=1048576",
    ]);
    expect(settings.vars.HOME_NET).toBe("[10.0.0.0/8,!10.1.0.0/16]");
    expect(settings.vars.EXTERNAL_NET).toBe("!$HOME_NET");
    expect(settings.unknown).toEqual([]);
  });

  it("names what it has no counterpart for, and leaves alone what only changes the logs", () => {
    const file = { outputs: [{ "eve-log": {} }], stats: { enabled: "yes" }, firewall: { policies: { x: 1 } }, "action-order": ["pass", "alert"] };
    expect(settingsOf(file, [])).toMatchObject({ unknown: ["firewall.policies.x"], actionOrder: ["pass", "alert"] });
  });
});

describe("what is logged", () => {
  const xff = { enabled: "yes", mode: "overwrite", deployment: "forward", header: "X-Forwarded-For" };
  const logging = (type: unknown): unknown => ({ outputs: [{ "eve-log": { types: ["http", type] } }] });

  it("is every drop, unless a configuration of its own says otherwise", () => {
    expect(settingsOf(undefined, []).everyDrop).toBe(true);
    expect(settingsOf(logging({ drop: { flows: "all" } }), []).everyDrop).toBe(true);
    expect(settingsOf(logging({ drop: { alerts: true } }), []).everyDrop).toBe(false);
    expect(settingsOf(logging({ drop: null }), []).everyDrop).toBe(false);
  });

  it("is one drop for each direction of a flow, and what rules drop", () => {
    const drop = (flow_id: number, direction: string, reason: string) => ({ event_type: "drop", flow_id, direction, flow: {}, drop: { reason } });
    const events = [
      drop(1, "to_server", "rules"), drop(1, "to_server", "flow drop"), drop(1, "to_client", "flow drop"), drop(1, "to_client", "flow drop"),
      drop(1, "to_server", "rules"), drop(2, "to_server", "stream error"), { event_type: "alert" },
    ]; // prettier-ignore
    expect(atFlowStart(events)).toEqual([events[0], events[2], events[4], events[6]]);
  });

  it("has the address that a proxy names", () => {
    expect(settingsOf(logging({ alert: { xff } }), []).forwardedFor).toEqual(xff);
    expect(settingsOf(logging({ alert: null }), []).forwardedFor).toBeUndefined();
    const event = { event_type: "alert", xff: "10.1.1.1, 10.2.2.2", src_ip: "1.1.1.1", dest_ip: "2.2.2.2", direction: "to_client" };
    expect(withForwarded(event, xff)).toMatchObject({ src_ip: "1.1.1.1", dest_ip: "10.1.1.1" });
    expect(withForwarded({ ...event, direction: "to_server" }, { ...xff, deployment: "reverse" })).toMatchObject({ src_ip: "10.2.2.2" });
    expect(withForwarded(event, { ...xff, mode: "extra-data" })).toBe(event);
  });
});
