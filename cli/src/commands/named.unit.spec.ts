import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as documents from "../testing/documents.js";
import { FakeApi, refuse } from "../testing/fake-api.js";
import { runCli, type RunOptions } from "../testing/run-cli.js";

let api: FakeApi;
beforeAll(async () => void (api = await FakeApi.start()));
beforeEach(() => api.reset());
afterAll(() => api.stop());

const cli = (line: string, options: RunOptions = {}) =>
  runCli(line.split(" "), { ...options, env: { SECUXFLOW_API: api.url, ...options.env } });
const body = () => api.seen.at(-1)?.body;

describe("rule add", () => {
  it("takes every dimension and action", async () => {
    const rule = async (line: string) => {
      const { exit, stderr } = await cli(`rule add ${line}`);
      expect([exit, stderr]).toEqual([0, ""]);
      return (body() as { rule: object }).rule;
    };
    expect(
      await rule(
        "--src @bad --dst 10.0.0.5 --sport 1000-2000 --port 80,443,8000-8100 --proto tcp --family 4 --tcp-flags syn,!ack --fragment no " +
          "--vlan 5 --inner-vlan none --iface eth0 --length 64-128 --state new --action reject --reject unreachable",
      ),
    ).toEqual({
      src: "@bad", dst: "10.0.0.5", sport: "1000-2000", port: "80,443,8000-8100", proto: "tcp", family: 4, tcpFlags: "syn,!ack",
      fragment: "no", vlan: 5, innerVlan: "none", iface: "eth0", length: "64-128", state: "new", action: "reject", reject: "unreachable",
    });
    expect(await rule("--proto icmp --icmp-type 8 --icmp-code 0 --action limit --rate 10Mbit/s --burst 1000 --per source")).toEqual({
      proto: "icmp", icmpType: 8, icmpCode: 0, action: "limit", limit: { rate: 10_000_000, unit: "bits", per: "source", burst: 1_000 },
    });
    expect(await rule("--dst 10.0.0.5 --action redirect --service shop --monitor")).toEqual({
      dst: "10.0.0.5", action: "redirect", service: "shop", monitor: true,
    });
  });

  it.each([
    ["--action limit", "--rate: action limit needs a limit"],
    ["--action limit --rate fast", '--rate: "fast" is not a rate'],
    ["--action drop --rate 10/s", "--rate: limit belongs to action limit"],
    ["--action drop --per source", "--per: it belongs to a limit"],
    ["--action redirect", "--service: action redirect needs a service"],
    ["--action drop --port 80-", "--port: "],
    ["--action drop --proto tcp --tcp-flags syn,xyz", '--tcp-flags: "xyz" is not a TCP flag'],
    ["--action drop --icmp-type 8", "--icmp-type: an icmpType needs ICMP"],
    ["--action drop --vlan 4095", "--vlan: a VLAN id is at most 4094"],
    ["--action drop --family 5", '--family: "5" is not one of 4, 6'],
    ["--action drop --src @a/b", "--src: "],
    ["--action drop --length 70000", "--length: a packet length is at most 65535"],
    ["--action drop --fragment odd", "--fragment: fragment is any, no, yes, first or later"],
    ["--action drop --state open", "--state: "],
  ])("refuses %s", async (line, message) => {
    const { exit, stderr } = await cli(`rule add ${line}`);
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });

  it("shows what a rule does and is for", async () => {
    const [rule] = documents.ruleList.items;
    const limit = { rate: 1_000, unit: "packets", per: "source", burst: 5_000 };
    api.routes.set("GET /v1/rules", { ...documents.ruleList, items: [{ ...rule, action: "limit", limit, monitor: true, port: "80,443" }] });
    const list = (await cli("rule list")).stdout;
    expect(list).toContain("10.0.0.5:80,443  monitor limit 1000/s per source  ");
    expect((await cli("rule show 7")).stdout).toContain("burst     5000 packets\n");
  });
});

describe("forward add", () => {
  it("takes sampling and direction", async () => {
    expect((await cli("forward add --module ips --sample 100 --direction to-service --port 80,443 --proto tcp")).exit).toBe(0);
    expect(body()).toMatchObject({ forward: { module: "ips", sample: 100, direction: "to-service", port: "80,443" } });
    expect((await cli("forward add --module ips --direction up")).stderr).toContain("--direction: a direction is");
  });
});

describe("set", () => {
  it("is made with entries, or filled from a file", async () => {
    expect((await cli("set create blocklist 10.0.0.1 10.1.0.0/16 --comment x")).exit).toBe(0);
    expect(body()).toEqual({ set: { name: "blocklist", comment: "x", entries: ["10.0.0.1", "10.1.0.0/16"] }, options: { waitMs: 5_000 } });
    const files = { "list.txt": "10.0.0.1\n# x\n" };
    expect((await cli("set import blocklist list.txt", { files })).exit).toBe(0);
    expect(api.seen.at(-1)).toMatchObject({ method: "PUT", body: "10.0.0.1\n# x\n", headers: { "content-type": "text/plain" } });
    expect((await cli("set import blocklist list.txt --add", { files })).exit).toBe(0);
    expect(api.seen.at(-1)).toMatchObject({ method: "POST", path: "/v1/sets/blocklist/entries" });
  });

  it("is made by an import where there is none", async () => {
    const { exit, stdout } = await cli("set import fresh f", { files: { f: "10.0.0.1\n10.0.0.2\n" } });
    expect([exit, stdout]).toEqual([0, "set fresh (2 entries) made, in force on 1 of 1 agents (revision 12, 6 ms)\n"]);
    expect(api.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(["PUT /v1/sets/fresh/entries", "POST /v1/sets"]);
    expect(api.seen[1]?.query.get("name")).toBe("fresh");
  });

  it("names lines that are wrong, and who uses it", async () => {
    const errors = [{ field: "line 7", message: "no prefix" }];
    api.routes.set("PUT /v1/sets/blocklist/entries", refuse(documents.problem("invalid_input", 400, "no", { errors })));
    const faulty = await cli("set import blocklist f", { files: { f: "x" } });
    expect([faulty.exit, faulty.stderr.split("\n")[0]]).toEqual([2, "secuxflow-cli: line 7: no prefix"]);
    api.routes.set("DELETE /v1/sets/blocklist", refuse(documents.problem("in_use", 409, "set blocklist is named by rule 7")));
    expect(await cli("set delete blocklist")).toMatchObject({ exit: 1, stderr: "secuxflow-cli: set blocklist is named by rule 7\n" });
  });

  it("asks before an entry cuts the caller off", async () => {
    api.routes.set("POST /v1/sets/blocklist/entries", ({ body: sent }, response) => {
      const { options } = sent as { options: { confirm: boolean } };
      const danger = documents.problem("confirmation_required", 428, "rule 7 may cut you off");
      response
        .writeHead(options.confirm ? 200 : 428, { "content-type": options.confirm ? "application/json" : "application/problem+json" })
        .end(JSON.stringify(options.confirm ? documents.setChanged : danger));
    });
    expect((await cli("set add blocklist 127.0.0.1")).exit).toBe(2);
    const { exit, asked } = await cli("set add blocklist 127.0.0.1", { answer: "y" });
    expect([exit, asked.length]).toEqual([0, 1]);
  });

  it("is shown whole, however many parts it comes in", async () => {
    api.routes.set("GET /v1/sets/blocklist", ({ query }, response) => {
      const part = query.get("after") === null ? { entries: ["a", "b"], next: "b" } : { entries: ["c"] };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...documents.setShown, ...part }));
    });
    expect((await cli("set show blocklist")).stdout).toMatch(/\n\na\nb\nc\n$/);
    expect(JSON.parse((await cli("set show blocklist -o json")).stdout)).toMatchObject({ kind: "Set", entries: ["a", "b", "c"] });
  });

  it.each([
    ["set show", "NAME: which one?"],
    ["set create a/b", "NAME: a name is"],
    ["set add blocklist", "PREFIX: which entries?"],
    ["set import blocklist", "FILE: which file?"],
    ["set import blocklist a b", "FILE: one file at a time"],
  ])("refuses %s", async (line, message) => {
    const { exit, stderr } = await cli(line);
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });
});

describe("service", () => {
  it("is added with all that is said of it", async () => {
    const line =
      "service add shop --address 10.0.0.5 --port 80 --proto tcp --backend 10.1.0.2:8080 --backend 10.1.0.3,weight=2 --container web " +
      "--inspect ips,waf --health tcp --health-interval 5s --health-fall 5";
    expect((await cli(line)).exit).toBe(0);
    expect((body() as { service: object }).service).toEqual({
      name: "shop", address: "10.0.0.5", port: 80, proto: "tcp", container: "web", inspect: ["ips", "waf"],
      backends: [{ address: "10.1.0.2", port: 8_080 }, { address: "10.1.0.3", weight: 2 }],
      health: { kind: "tcp", intervalMs: 5_000, fall: 5 },
    });
  });

  it.each([
    ["service add shop", "--address: name the address"],
    ["service add --address 10.0.0.5", "NAME: which one?"],
    ["service add shop --address 10.0.0.0/24", "--address: "],
    ["service add shop --address 10.0.0.5 --port 80", "--proto: a port needs a protocol"],
    ["service add shop --address 10.0.0.5 --backend x:y:z]", "--backend: "],
    ["service add shop --address 10.0.0.5 --container a --netns b", "--netns: "],
    ["service add shop --address 10.0.0.5 --health-fall 3", "--health: say how"],
    ["service add shop --address 10.0.0.5 --health tcp", "--health: a tcp health check needs a port"],
    ["service add shop --address 10.0.0.5 --backend 2001:db8::1", "--backend: backend 2001:db8::1 is not of the IP family"],
  ])("refuses %s", async (line, message) => {
    const { exit, stderr } = await cli(line);
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });

  it("is listed where no agent knows it", async () => {
    const [service] = documents.serviceList.items;
    api.routes.set("GET /v1/services", { ...documents.serviceList, items: [{ ...service, on: [] }] });
    expect((await cli("service list")).stdout).toMatch(/unknown +2 /);
    expect((await cli("service show nope")).exit).toBe(1);
    expect(JSON.parse((await cli("service show shop -o json")).stdout)).toMatchObject({ kind: "Service", name: "shop" });
  });
});

describe("protection", () => {
  it("sends what is named, and nothing else", async () => {
    expect((await cli("protection set --established-pass yes --per-source off")).exit).toBe(0);
    expect(api.seen.at(-1)).toMatchObject({ method: "PATCH", body: { change: { establishedPass: true, perSource: null } } });
    await cli("protection set --per-source 2k/s");
    expect(body()).toMatchObject({ change: { perSource: { rate: 2_000, burst: 2_000 } } });
  });

  it.each([
    ["protection set", "nothing to change"],
    ["protection set --syn-cookies sometimes", "--syn-cookies: "],
    ["protection set --syn-rate 10Mbit/s", "--syn-rate: it is counted in packets"],
    ["protection set --per-source-burst 5", "--per-source: it belongs to"],
    ["protection set --established-pass maybe", "--established-pass: "],
  ])("refuses %s", async (line, message) => {
    const { exit, stderr } = await cli(line);
    expect([exit, api.seen.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });
});

describe("status top", () => {
  it("asks for as many as wanted, and says when nobody tells", async () => {
    await cli("status top --limit 5");
    expect(api.seen[0]?.query.get("limit")).toBe("5");
    expect((await cli("status top --limit 0")).exit).toBe(2);
    api.routes.set("GET /v1/status/top", { ...documents.topTalkers, agents: 0, items: [], windowMs: 0 });
    expect((await cli("status top")).stdout).toBe("no agent tells who sends most\n");
  });
});
