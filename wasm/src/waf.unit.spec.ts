import { openRuleSet } from "@secuxflow/rule-image";
import { pathOf, renderExclusions, suggestedExclusions } from "@secuxflow/seclang";
import { describe, expect, it } from "vitest";
import { attackRequests } from "./testing/attacks.js";
import { http, inspectAll, newModule, says, session } from "./testing/harness.js";
import { ordinaryRequests } from "./testing/ordinary.js";
import { compileWafRules } from "./waf-rules.js";

const shorten = (request: string): string => {
  const text = request.replaceAll("\r\n", "⏎");
  return text.length > 130 ? `${text.slice(0, 60)}…${text.slice(-70)}` : text;
};

describe("waf on ordinary requests", () => {
  it("never alerts on at least 150 of them", async () => {
    expect(ordinaryRequests.length).toBeGreaterThanOrEqual(150);
    const instance = await newModule("waf");
    const alerts = ordinaryRequests.flatMap((request) =>
      inspectAll(instance, session(says(request))).map(
        ({ attributes }) => `${shorten(request)}: ${attributes["score.parts"] ?? ""} ${attributes["match.data"] ?? ""}`,
      ),
    );
    expect(alerts).toEqual([]);
  });
});

describe("waf on attacks", () => {
  it("finds each of at least 150, once", async () => {
    expect(attackRequests.length).toBeGreaterThanOrEqual(150);
    const instance = await newModule("waf");
    const wrong = attackRequests.flatMap((request) => {
      const findings = inspectAll(instance, session(says(request)));
      return findings.length === 1 ? [] : [`${findings.length} findings: ${shorten(request)}`];
    });
    expect(wrong).toEqual([]);
  });

  it("says what, where, and after which transformations", async () => {
    const instance = await newModule("waf");
    const [finding] = inspectAll(instance, session(says(http("GET /list?page=1&q=%2527%2520or%25201%253D1--%2520"))));
    expect(finding).toMatchObject({
      ruleId: 9_100_002,
      severity: 1,
      verdictHint: "drop",
      noAlert: false,
      attributes: {
        message: "SQL injection: condition that is always true",
        score: 13,
        "score.parts": "9100002:5,9100012:5,9100013:3",
        "match.location": "ARGS:q",
        "match.data": expect.stringContaining("or 1=1") as string,
        "match.transformations": "urldecodeuni,removenulls",
        "http.method": "GET",
        "http.uri": "/list?page=1&q=%2527%2520or%25201%253D1--%2520",
        "http.host": "shop.example",
        "request.line": "GET /list?page=1&q=%2527%2520or%25201%253D1--%2520 HTTP/1.1",
        exclusion: [
          'SecRuleUpdateTargetById 9100002 "!ARGS:q"',
          'SecRuleUpdateTargetById 9100012 "!ARGS:q"',
          'SecRuleUpdateTargetById 9100013 "!ARGS:q"',
        ].join("\n"),
      },
    });
    expect(finding?.attributes["http.user_agent"]).toContain("Firefox");
  });

  it.each([
    ["a cookie", http("GET /", { Cookie: "a=b; sid=1' or '1'='1" }), "REQUEST_COOKIES:sid"],
    ["a header", http("GET /", { "X-Api": "' or 1=1-- " }), "REQUEST_HEADERS:X-Api"],
    ["a form", http("POST /", { "Content-Type": "application/x-www-form-urlencoded" }, "a=1&b=%3Cscript%3E"), "ARGS:b"],
    ["JSON", http("POST /", { "Content-Type": "application/json" }, '{"a":{"b":"\\u003cscript>"}}'), "ARGS:json.a.b"],
    ["an entity", http("GET /?x=%26lt%3Bscript%26gt%3B"), "ARGS:x"],
    ["the path", http("GET /a/%2e%2e%2f%2e%2e%2fb"), "REQUEST_FILENAME"],
    ["plain text", http("POST /", { "Content-Type": "text/plain" }, "' or 1=1-- "), "REQUEST_BODY"],
    [
      "a part of a form",
      http(
        "POST /",
        { "Content-Type": 'multipart/form-data; boundary="b b"' },
        '--b b\r\nContent-Disposition: form-data; name="note"\r\n\r\n; cat /etc/passwd\r\n--b b--\r\n',
      ),
      "ARGS:note",
    ],
  ])("names %s", async (_title, request, location) => {
    const instance = await newModule("waf");
    const findings = inspectAll(instance, session(says(request)));
    expect(findings.map(({ attributes }) => attributes["match.location"])).toEqual([location]);
  });

  it("adds scores up, and calls several attacks critical", async () => {
    const instance = await newModule("waf");
    const attack = http("GET /?a=%3Cscript%3E&c=%27+or+1%3D1--+&d=../x");
    const [finding] = inspectAll(instance, session(says(attack)));
    const parts = String(finding?.attributes["score.parts"]).split(",").map((part) => part.split(":").map(Number));
    expect(parts.map(([id]) => id)).toEqual(expect.arrayContaining([9_100_002, 9_100_101, 9_100_205]));
    expect(finding?.attributes.score).toBe(parts.reduce((sum, [, points = 0]) => sum + points, 0));
    expect(finding?.severity).toBe(1);
    const [single] = inspectAll(instance, session(says(http("GET /.git/config"))));
    expect(single).toMatchObject({ ruleId: 9_100_203, severity: 2, attributes: { score: 5 } });
  });

  it("stays silent below the threshold, which rules can set", async () => {
    const request = http("GET /?file=../x");
    expect(inspectAll(await newModule("waf"), session(says(request)))).toEqual([]);
    const rules = openRuleSet(compileWafRules({ anomalyThresholds: { inbound: 3 } }).image);
    const strict = inspectAll(await newModule("waf", undefined, rules), session(says(request)));
    expect(strict.map(({ attributes }) => attributes["score.parts"])).toEqual(["9100205:3"]);
    await expect(newModule("waf", "unknown=1")).rejects.toThrow(expect.objectContaining({ reason: "bad-configuration" }));
    await expect(newModule("waf", "nonsense")).rejects.toThrow(expect.objectContaining({ reason: "bad-configuration" }));
  });

  it("only alerts where rules say so", async () => {
    const rules = openRuleSet(compileWafRules({ detectionOnly: true }).image);
    const [finding] = inspectAll(await newModule("waf", undefined, rules), session(says(http("GET /?a=%3Cscript%3E"))));
    expect(finding).toMatchObject({ ruleId: 9_100_101, verdictHint: "alert" });
  });

  it("reports each of several requests on one connection", async () => {
    const instance = await newModule("waf");
    const bad = http("GET /?a=%3Cscript%3E");
    const good = http("GET /?a=b");
    const body = http("POST /", { "Content-Type": "application/json" }, '{"a":"\' or 1=1-- "}');
    const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\nTrailer: x\r\n\r\n";
    const findings = inspectAll(instance, session(says([good, bad, chunked, body, good, bad].join(""))));
    expect(findings.map(({ ruleId }) => ruleId)).toEqual([9_100_101, 9_100_002, 9_100_101]);
  });

  it("judges the header before the body comes, and the rest with the body or the end of the connection, once", async () => {
    const instance = await newModule("waf");
    const head = (uri: string): string => `POST ${uri} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n`;
    expect(inspectAll(instance, session(says(head("/.git/config?a=%3Cscript%3E")), { end: "none" }))).toHaveLength(1);
    expect(inspectAll(instance, session(says(head("/?a=%3Cscript%3E")), { end: "none" }))).toEqual([]);
    expect(inspectAll(instance, session(says(head("/?a=%3Cscript%3E"))))).toHaveLength(1);
    expect(inspectAll(instance, session(says(`${head("/?a=%3Cscript%3E")}${"' or 1=1-- ".padEnd(1000, "x")}`)))).toHaveLength(1);
  });

  it("does not wait for the end of a long body", async () => {
    const instance = await newModule("waf");
    const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 100000000\r\n\r\n' or 1=1-- \n";
    const more = Array.from({ length: 6 }, () => says("x".repeat(50_000))).flat();
    expect(inspectAll(instance, session([...says(head), ...more], { end: "none" }))).toHaveLength(1);
  });
});

describe("an exclusion", () => {
  it("silences one parameter on one path, until it expires", async () => {
    const attack = (uri: string): string => http(`GET ${uri}=${encodeURIComponent("' or 1=1-- ")}`);
    const [alert] = inspectAll(await newModule("waf"), session(says(attack("/forum/post?draft=1&q"))));
    const exclusions = suggestedExclusions(String(alert?.attributes.exclusion));
    // The tests' clock stands at the start of 2026.
    const instanceUntil = (expires: number) => {
      const setup = renderExclusions({ exclusions, path: pathOf(String(alert?.attributes["http.uri"])), expires, note: "test" }, 9_190_000);
      return newModule("waf", undefined, openRuleSet(compileWafRules({ setup }).image));
    };
    const later = await instanceUntil(Date.UTC(2026, 0, 2) / 1000);
    const count = (instance: Awaited<typeof later>, uri: string): number => inspectAll(instance, session(says(attack(uri)))).length;
    expect(count(later, "/forum/post?q")).toBe(0);
    expect(count(later, "/forum/post?other")).toBe(1);
    expect(count(later, "/forum/posts?q")).toBe(1);
    expect(count(await instanceUntil(Date.UTC(2025, 11, 31) / 1000), "/forum/post?q")).toBe(1);
  });
});

describe("waf on responses", () => {
  const answer = (body: string, type = "text/html"): string =>
    `HTTP/1.1 500 Oops\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  it.each([
    ["an error of a database", "<p>You have an error in your SQL syntax; check the manual</p>", [9_102_001]],
    ["a stack trace of Python", "Traceback (most recent call last):\n  File x", [9_102_002]],
    ["a stack trace of Java", "java.lang.NullPointerException\n\tat com.shop.Cart.add(Cart.java:42)\n", [9_102_002]],
    ["a directory listing", "<html><head><title>Index of /backup</title></head>", [9_102_003]],
    ["a private key", "-----BEGIN RSA PRIVATE KEY-----\nMII", [9_102_004]],
    ["a page", "<html><title>Index of our books</title>at Smith (page 12)</html>", []],
  ])("knows %s", async (_title, body, rules) => {
    const turns = [...says(http("GET /a")), { from: "server" as const, data: answer(body) }];
    expect(inspectAll(await newModule("waf"), session(turns)).map(({ ruleId }) => ruleId)).toEqual(rules);
  });

  it("leaves images alone", async () => {
    const turns = [...says(http("GET /a")), { from: "server" as const, data: answer("<title>Index of /</title>", "image/png") }];
    expect(inspectAll(await newModule("waf"), session(turns))).toEqual([]);
  });
});

describe("the rules", () => {
  it("have a title, a category and a severity", () => {
    const { rules } = compileWafRules();
    const { texts } = openRuleSet(compileWafRules().image);
    const scoring = rules.filter(({ id }) => id % 100_000 < 3_000 && !(id >= 9_100_900 && id < 9_101_000));
    const lacking = scoring.filter(({ id }) => {
      const text = texts.get(id);
      return text === undefined || text.msg === "" || !/^[a-z-]+$/.test(text.category) || text.category.startsWith("attack");
    });
    expect(scoring.length).toBeGreaterThanOrEqual(50);
    expect(lacking.map(({ id }) => id)).toEqual([]);
    expect(texts.get(9_100_001)).toMatchObject({ category: "sql-injection", severity: 2, references: ["CWE-89"] });
  });
});

describe("flows that it sees", () => {
  it("are counted: read, encrypted, others", async () => {
    const instance = await newModule("waf");
    expect(instance.flows()).toEqual({ read: 0, encrypted: 0, other: 0 });
    const hello = Buffer.from("16030100c8010000c40303" + "11".repeat(32) + "00".repeat(160), "hex");
    inspectAll(instance, session(says(http("GET /"))));
    inspectAll(instance, session(says(hello)));
    inspectAll(instance, session(says("SSH-2.0-OpenSSH_9.6\r\n")));
    inspectAll(instance, session(says(Buffer.from("0001fffe80".repeat(20), "hex"))));
    expect(instance.flows()).toEqual({ read: 1, encrypted: 2, other: 1 });
  });
});
