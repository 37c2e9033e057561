import { describe, expect, it } from "vitest";
import { attackRequests } from "./testing/attacks.js";
import { http, inspectAll, newModule, says, session } from "./testing/harness.js";
import { ordinaryRequests } from "./testing/ordinary.js";

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
      severity: 2,
      verdictHint: "drop",
      attributes: {
        score: 5,
        "score.parts": "9100002:5",
        "match.location": "args.q",
        "match.data": "or 1=1-- ",
        "match.transformations": "urlDecode,urlDecode",
        "http.method": "GET",
        "http.uri": "/list?page=1&q=%2527%2520or%25201%253D1--%2520",
        "http.host": "shop.example",
      },
    });
    expect(finding?.attributes["http.user_agent"]).toContain("Firefox");
  });

  it.each([
    ["a cookie", http("GET /", { Cookie: "a=b; sid=1' or '1'='1" }), "cookie.sid", undefined],
    ["a header", http("GET /", { "X-Api": "' or 1=1-- " }), "header.X-Api", undefined],
    [
      "a form",
      http("POST /", { "Content-Type": "application/x-www-form-urlencoded" }, "a=1&b=%3Cscript%3E"),
      "body.b",
      "urlDecode",
    ],
    ["JSON", http("POST /", { "Content-Type": "application/json" }, '{"a":{"b":"\\u003cscript>"}}'), "body.b", "jsonDecode"],
    ["an entity", http("GET /?x=%26lt%3Bscript%26gt%3B"), "args.x", "urlDecode,htmlEntityDecode"],
    ["the path", http("GET /a/%2e%2e%2f%2e%2e%2fb"), "uri", "urlDecode"],
    [
      "a part of a form",
      http(
        "POST /",
        { "Content-Type": 'multipart/form-data; boundary="b b"' },
        '--b b\r\nContent-Disposition: form-data; name="note"\r\n\r\n; cat /etc/passwd\r\n--b b--\r\n',
      ),
      "body.note",
      undefined,
    ],
  ])("names %s", async (_title, request, location, transformations) => {
    const instance = await newModule("waf");
    const findings = inspectAll(instance, session(says(request)));
    expect(findings.map(({ attributes }) => [attributes["match.location"], attributes["match.transformations"]])).toEqual([
      [location, transformations],
    ]);
  });

  it("adds scores up, each rule once, and calls several attacks critical", async () => {
    const instance = await newModule("waf");
    const [finding] = inspectAll(instance, session(says(http("GET /?a=%3Cscript%3E&b=%3Cscript%3E&c=%27+or+1%3D1--+&d=../x"))));
    expect(finding?.attributes).toMatchObject({ score: 13, "score.parts": "9100002:5,9100101:5,9100205:3" });
    expect(finding?.severity).toBe(1);
  });

  it("stays silent below the threshold, which can be configured", async () => {
    const request = http("GET /?file=../x");
    expect(inspectAll(await newModule("waf"), session(says(request)))).toEqual([]);
    const strict = inspectAll(await newModule("waf", "# as strict as can be\nscore.threshold = 3\n"), session(says(request)));
    expect(strict.map(({ attributes }) => attributes["score.parts"])).toEqual(["9100205:3"]);
    await expect(newModule("waf", "score.threshold=0")).rejects.toThrow(expect.objectContaining({ reason: "bad-configuration" }));
    await expect(newModule("waf", "unknown=1")).rejects.toThrow(expect.objectContaining({ reason: "bad-configuration" }));
    await expect(newModule("waf", "nonsense")).rejects.toThrow(expect.objectContaining({ reason: "bad-configuration" }));
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

  it("finds an attack in the head before the body comes, and reports it once", async () => {
    const instance = await newModule("waf");
    const request = "POST /?a=%3Cscript%3E HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    expect(inspectAll(instance, session(says(request), { end: "none" }))).toHaveLength(1);
    expect(inspectAll(instance, session(says(`${request}${"' or 1=1-- ".padEnd(1000, "x")}`)))).toHaveLength(1);
  });

  it("does not wait for the end of a long body", async () => {
    const instance = await newModule("waf");
    const request = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 100000000\r\n\r\n' or 1=1-- \n${"x".repeat(40_000)}`;
    expect(inspectAll(instance, session(says(request), { end: "none" }))).toHaveLength(1);
  });
});
