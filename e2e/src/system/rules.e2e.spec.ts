import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADDRESSES, UPLINK } from "@secuxflow/lab";
import { routes, type RuleAdded, type RuleList, type RulesImported, type SetAdded, type SetList, type StatsSnapshot } from "@secuxflow/contracts";
import { HttpFailedError, needs, tempDir, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Conversation, echoServer } from "./conversation.js";
import { Prober, type Packet } from "./probe.js";
import { WholeLab } from "./whole-lab.js";

const udp = (dstPort: number, more: Partial<Packet> = {}): Packet => ({ udp: { srcPort: 40_000, dstPort }, payload: "x", ...more });
const from = (src: string, dstPort = 5_000): Packet => udp(dstPort, { ipv4: { src } });

needs(describe, "kernel", "nats")("rules and sets on the whole system", () => {
  let whole: WholeLab;
  let prober: Prober;
  let files: TempDir;
  beforeAll(async () => {
    whole = await WholeLab.create();
    prober = await Prober.create(whole.topology);
    files = await tempDir("rules");
  });
  afterAll(async () => {
    await prober?.stop();
    await whole?.destroy();
    await files?.remove();
  });
  beforeEach(() => whole.clear());

  const cli = (line: string): Promise<string> => whole.system.cli.run(...line.split(" "));
  const add = async (line: string): Promise<number> => (await whole.system.cli.json<RuleAdded>("rule", "add", ...line.split(" "))).rule.id;
  const hits = (id: number, packets: number): Promise<unknown> =>
    whole.until<RuleList>(`${packets} packets on rule ${id}`, routes.rules, ({ items }) => items.find((one) => one.id === id)?.packets === packets);
  const file = async (name: string, lines: readonly string[]): Promise<string> => {
    const path = join(files.path, name);
    await writeFile(path, lines.map((line) => `${line}\n`).join(""));
    return path;
  };

  it("drops by every dimension what matches, and nothing beside it", async () => {
    const ids: number[] = [];
    for (const line of [
      "--proto udp --port 7000,7010-7012", "--proto tcp --port 7100 --tcp-flags syn,!ack", "--proto icmp --icmp-type 13", "--proto udp --port 7200 --length 500-600",
      "--src 192.168.1.77 --fragment later", "--proto udp --sport 5353", "--proto udp --port 7300 --vlan 7", `--proto udp --port 7400 --iface ${UPLINK}`,
      "--proto udp --port 7500 --family 6", "--proto 132 --dst 10.0.0.0/29",
    ]) ids.push(await add(`${line} --action drop`));
    const fragment = (fragmentOffset: number): Packet =>
      ({ ipv4: { src: "192.168.1.77", protocol: 17, fragmentOffset, moreFragments: true }, payload: new Uint8Array(16) });
    const arrived = await prober.arrived({
      "port 7000": udp(7_000), "port 7001 passes": udp(7_001), "port 7011": udp(7_011), "port 7013 passes": udp(7_013),
      "SYN": { tcp: { srcPort: 1, dstPort: 7_100, flags: "S" } }, "SYN, ACK passes": { tcp: { srcPort: 1, dstPort: 7_100, flags: "SA" } },
      "timestamp request": { icmp: { type: 13 } }, "another ICMP type passes": { icmp: { type: 42 } },
      "length 500": udp(7_200, { payload: new Uint8Array(472) }), "length 499 passes": udp(7_200, { payload: new Uint8Array(471) }),
      "length 600": udp(7_200, { payload: new Uint8Array(572) }), "length 601 passes": udp(7_200, { payload: new Uint8Array(573) }),
      "first fragment passes": fragment(0), "later fragment": fragment(16),
      "source port": { udp: { srcPort: 5_353, dstPort: 1 } }, "another source port passes": { udp: { srcPort: 5_354, dstPort: 1 } },
      "no VLAN passes": udp(7_300),
      "interface": udp(7_400), "the other family passes": udp(7_500),
      "protocol": { ipv4: { protocol: 132 }, payload: new Uint8Array(12) }, "another protocol passes": { ipv4: { protocol: 133 }, payload: new Uint8Array(12) },
    });
    expect(arrived).toEqual([
      "port 7001 passes", "port 7013 passes", "SYN, ACK passes", "another ICMP type passes", "length 499 passes", "length 601 passes", "first fragment passes",
      "another source port passes", "no VLAN passes", "the other family passes", "another protocol passes",
    ]);
    // The host has no VLAN interface, so that tagged packets go nowhere: here the counter tells.
    await prober.send([udp(7_300, { vlan: [{ vid: 7 }] }), udp(7_301, { vlan: [{ vid: 7 }] }), udp(7_300, { vlan: [{ vid: 8 }] })]);
    const counts = [2, 1, 1, 2, 1, 1, 1, 1, 0, 1];
    for (const [i, id] of ids.entries()) await hits(id, counts[i] ?? -1);
  });

  it("lets a limited number through, for a rule or for each source, and counts what came", async () => {
    const one = await add("--proto udp --port 6000 --action limit --rate 1/s --burst 10");
    const each = await add("--proto udp --port 6001 --action limit --rate 1/s --burst 10 --per source");
    const through = await prober.count(udp(6_000), 200);
    expect(through).toBeGreaterThanOrEqual(10);
    expect(through).toBeLessThan(100);
    for (const source of ["192.168.1.70", "192.168.1.71"]) {
      const own = await prober.count(from(source, 6_001), 100);
      expect(own, source).toBeGreaterThanOrEqual(10);
      expect(own, source).toBeLessThan(60);
    }
    await hits(one, 200);
    await hits(each, 200);
    await whole.until<StatsSnapshot>("limited packets in the totals", routes.stats, ({ agents }) => (agents[0]?.verdicts.limited?.packets ?? 0) >= 400 - 160);
  });

  it("refuses a real client's connection at once, by a reset or by ICMP", async () => {
    for (const option of ["", " --reject unreachable"]) {
      const id = await add(`--src 192.168.1.0/24 --dst ${ADDRESSES.service} --port 80 --proto tcp --action reject${option}`);
      const refused = await whole.answered("attacker", 10_000).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(HttpFailedError);
      expect(refused).toMatchObject({ code: "ECONNREFUSED" });
      expect(await whole.answered("user")).toBe(true);
      await cli(`rule delete --id ${id}`);
    }
  });

  it("only counts for a rule that monitors, and the next rule decides", async () => {
    const watching = await add("--proto udp --port 6100 --action drop --monitor");
    expect(await prober.count(udp(6_100), 5)).toBe(5);
    await hits(watching, 5);
    const dropping = await add("--proto udp --port 6100 --action drop");
    expect(await prober.count(udp(6_100), 5)).toBe(0);
    await hits(dropping, 5);
    await hits(watching, 10);
  });

  it("knows connections that are established from new ones", async () => {
    const address = "172.16.0.2";
    const { host, attacker } = whole.topology;
    const server = await echoServer(host, address, 7_700);
    const early = await Conversation.open(attacker, address, 7_700);
    await early.say("before");
    const id = await add(`--dst ${address} --port 7700 --proto tcp --state new --action reject`);
    await early.say("after");
    await expect(Conversation.open(attacker, address, 7_700)).rejects.toThrow(/ECONNREFUSED/);
    await early.say("at the end");
    await hits(id, 1);
    await early.close();
    await server.stop();
  });

  it("takes 50,000 addresses from a file into a set that a rule uses, and every change of it reaches the wire", async () => {
    await cli("set create offices 203.0.113.0/28 --comment test");
    const entries = Array.from({ length: 50_000 }, (_, i) => `100.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);
    const imported = await whole.system.cli.run("set", "import", "blocklist", await file("addresses.txt", ["# test", ...entries]));
    expect(imported).toMatch(/set blocklist \(50,000 entries\) made, in force on 1 of 1 agents/);
    const id = await add("--src @blocklist --action drop");
    await add("--src @offices --proto udp --port 5001 --action drop");
    const looked = { first: from("100.64.0.0"), middle: from("100.64.77.7"), last: from("100.64.195.79"), behind: from("100.64.195.80"), office: from("203.0.113.15", 5_001) };
    expect(await prober.arrived(looked)).toEqual(["behind"]);
    await cli("set add blocklist 100.64.195.80 203.0.113.128/25");
    await cli("set remove blocklist 100.64.77.7");
    expect(await prober.arrived({ ...looked, added: from("203.0.113.200") })).toEqual(["middle"]);
    expect(await whole.system.cli.run("set", "import", "blocklist", await file("few.txt", ["100.64.77.7"]))).toMatch(/1 added, 50,001 removed, 1 entry/);
    expect(await prober.arrived(looked)).toEqual(["first", "last", "behind"]);
    await hits(id, 3 + 4 + 1);
    const { items } = await whole.system.cli.json<SetList>("set", "list");
    expect(items.map(({ name, entries: size, usedByRules }) => [name, size, usedByRules.length])).toEqual([["blocklist", 1, 1], ["offices", 1, 1]]);
    const refused = await whole.system.cli.try("set", "delete", "blocklist");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(new RegExp(`rule ${id}`));
    await cli("rule clear --confirm");
    await cli("set delete blocklist");
    await cli("set delete offices");
    expect(await prober.arrived({ middle: from("100.64.77.7") })).toEqual(["middle"]);
  });

  it("refuses a file with a line that is no address, and changes nothing", async () => {
    const faulty = await whole.system.cli.try("set", "import", "nets", await file("faulty.txt", ["192.0.2.1", "192.0.2.999"]));
    expect(faulty).toMatchObject({ code: 2 });
    expect(faulty.stderr).toMatch(/line 2/);
    expect((await whole.system.cli.json<SetList>("set", "list")).items).toEqual([]);
    const made = await whole.system.cli.json<SetAdded>("set", "create", "nets");
    expect(made.entries).toBe(0);
    await cli("set delete nets");
  });

  it("takes 10,000 rules in one command, changes them one by one under traffic, and replaces them", async () => {
    const address = (i: number): string => `100.100.${i >> 8}.${i & 255}`;
    const line = (i: number): string => JSON.stringify({ src: address(i), dst: "10.0.0.0/24", proto: "udp", port: 1_000 + (i % 5_000), action: "drop" });
    const indexes = Array.from({ length: 10_000 }, (_, i) => i);
    const imported = await whole.system.cli.json<RulesImported>("rule", "import", await file("rules.jsonl", indexes.map(line)));
    expect(imported).toMatchObject({ added: 10_000, removed: 0, enforcement: { agents: 1, active: 1 } });
    const packet = (i: number, port = 1_000 + (i % 5_000)): Packet => from(address(i), port);
    const tried = { first: packet(0), middle: packet(4_999), last: packet(9_999), "another port": packet(4_999, 1), "another source": packet(10_000) };
    expect(await prober.arrived(tried)).toEqual(["another port", "another source"]);

    const flowing = prober.count(from(ADDRESSES.user, 5_555), 2_000, { pps: 1_000 });
    const single = await add(`--src ${address(10_000)} --proto udp --action drop`);
    await cli(`rule delete --id ${(imported.firstId ?? 0) + 4_999}`);
    expect(await flowing).toBe(2_000);
    expect(await prober.arrived(tried)).toEqual(["middle", "another port"]);
    await cli(`rule delete --id ${single}`);

    const kept = indexes.slice(0, 5_000);
    const replaced = await whole.system.cli.json<RulesImported>("rule", "import", await file("fewer.jsonl", kept.map(line)), "--replace", "--confirm");
    expect(replaced).toMatchObject({ added: 1, removed: 5_000, enforcement: { active: 1 } });
    expect(await prober.arrived(tried)).toEqual(["last", "another port", "another source"]);
    await hits(imported.firstId ?? 0, 3);
    const refused = await whole.system.cli.try("rule", "import", await file("faulty.jsonl", [line(1), "{"]));
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toMatch(/line 2/);
    expect(await prober.arrived(tried)).toEqual(["last", "another port", "another source"]);
  });
});
