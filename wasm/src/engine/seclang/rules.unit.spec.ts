import { beforeAll, describe, expect, it } from "vitest";
import { Waf, type Message } from "./rig.js";

let waf: Waf;
beforeAll(async () => {
  waf = await Waf.create();
});

function ids(rules: string, message: Message = {}): number[] {
  const compiled = waf.rules(rules);
  expect(compiled.refused).toEqual([]);
  return waf.run(message).ids;
}

const form = (body: string, type = "application/x-www-form-urlencoded"): Message => ({
  line: "POST /dir/page.php?q=1&r=a%20b HTTP/1.1",
  headers: [["Content-Type", type], ["Host", "example.org"], ["Cookie", "sid=abc; theme=dark"]],
  body,
});

const same = (variable: string, text: string, id = 1, phase = 2): string =>
  `SecRule ${variable} "@streq ${text}" "id:${id},phase:${phase},pass"\n`;

describe("variables", () => {
  it.each([
    ["REQUEST_METHOD", "POST"],
    ["REQUEST_URI", "/dir/page.php?q=1&r=a%20b"],
    ["REQUEST_FILENAME", "/dir/page.php"],
    ["REQUEST_BASENAME", "page.php"],
    ["REQUEST_PROTOCOL", "HTTP/1.1"],
    ["QUERY_STRING", "q=1&r=a%20b"],
    ["ARGS:r", "a b"],
    ["ARGS_GET:R", "a b"],
    ["ARGS_POST:x", "1 2"],
    ["ARGS_NAMES:y", "y"],
    ["ARGS:/^[xz]$/", "1 2"],
    ["&ARGS", "4"],
    ["&ARGS_POST:x", "1"],
    ["&ARGS:none", "0"],
    ["REQUEST_BODY", "x=1+2&y=%41"],
    ["REQUEST_BODY_LENGTH", "11"],
    ["REQBODY_PROCESSOR", "URLENCODED"],
    ["REQUEST_COOKIES:theme", "dark"],
    ["REQUEST_COOKIES_NAMES:sid", "sid"],
    ["REQUEST_HEADERS:host", "example.org"],
    ["REMOTE_ADDR", "10.0.0.1"],
    ["SERVER_PORT", "80"],
    ["TIME_EPOCH", "1767225600"],
    ["TIME_YEAR", "2026"],
    ["TIME_WDAY", "4"],
    ["ARGS_COMBINED_SIZE", "12"],
    ["SERVER_NAME", "example.org"],
  ])("%s is %j", (variable, text) => {
    expect(ids(same(variable, text), form("x=1+2&y=%41"))).toEqual([1]);
  });

  it("leaves out what is excluded", () => {
    expect(ids('SecRule ARGS|!ARGS:x "@rx ." "id:1,phase:2,pass"', { line: "GET /?x=1 HTTP/1.1" })).toEqual([]);
    expect(ids('SecRule ARGS|!ARGS:/^x/ "@rx ." "id:1,phase:2,pass"', { line: "GET /?xy=1&a=2 HTTP/1.1" })).toEqual([1]);
    expect(ids('SecRule &ARGS|!ARGS:x "@eq 1" "id:1,phase:2,pass"', { line: "GET /?x=1&a=2 HTTP/1.1" })).toEqual([1]);
  });

  it("reads responses", () => {
    const rules = same("RESPONSE_STATUS", "404", 1, 3) + same("RESPONSE_HEADERS:Server", "x", 2, 3) + same("RESPONSE_BODY",
      "hello", 3, 4);
    const response = { line: "HTTP/1.1 404 Not Found", headers: [["Content-Type", "text/html"], ["Server", "x"]] as const,
      body: "hello" };
    expect(ids(rules, { response })).toEqual([1, 2, 3]);
    expect(ids(rules, { response: { ...response, headers: [["Content-Type", "image/png"]] } })).toEqual([1]);
  });
});

describe("bodies", () => {
  const json = (text: string): Message => form(text, "application/json");

  it.each([
    ["ARGS:json.a", "1", '{"a":1}'],
    ["ARGS:json.a.b", "x\ny", '{"a": {"b": "x\\ny"}}'],
    ["ARGS:json.a.1", "true", '{"a":[null,true]}'],
    ["ARGS:json.a", "2", '{"a":[null,true]}'],
    ["ARGS:json.0.k", "\xc3\xa4", '[{"k":"\\u00e4"}]'],
    ["ARGS:json.e", "\xf0\x9f\x98\x80", '{"e":"\\ud83d\\ude00"}'],
    ["REQBODY_ERROR", "1", '{"a":1'],
    ["REQBODY_ERROR", "1", '{"a":1}}'],
    ["REQBODY_ERROR", "0", '{"a":[{},[]],"b":-1.5e3}'],
  ])("JSON: %s is %j in %s", (variable, text, body) => {
    const expected = text.replace("\n", "\\n");
    if (expected === text) expect(ids(same(variable, text), json(body))).toEqual([1]);
    else expect(ids(`SecRule ${variable} "@rx ^${expected}$" "id:1,phase:2,pass"`, json(body))).toEqual([1]);
  });

  it("JSON nested too deeply is an error, not a crash", () => {
    expect(ids(same("REQBODY_ERROR", "1"), json("[".repeat(100_000)))).toEqual([1]);
  });

  it.each([
    ["XML:/*", "a<b", "<r>a&lt;b</r>"],
    ["XML:/*", "c]d", "<r x='1'><![CDATA[c]d]]></r>"],
    ["XML://@*", "v&", "<r><e k=\"v&#38;\"/></r>"],
    ["REQBODY_ERROR", "0", "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x 'y'>]><!-- c --><r/>"],
    ["REQBODY_ERROR", "1", "<r><e></r>"],
  ])("XML: %s is %j in %s", (variable, text, body) => {
    expect(ids(same(variable, text), form(body, "text/xml"))).toEqual([1]);
  });

  const parts = [
    "--b", 'Content-Disposition: form-data; name="field"', "", "value",
    "--b", 'Content-Disposition: form-data; name="up"; filename="a\\"b.txt"', "Content-Type: text/plain", "", "data", "--b--", "",
  ].join("\r\n");
  it.each([
    ["ARGS:field", "value"],
    ["FILES:up", 'a\\"b.txt'],
    ["FILES_NAMES", "up"],
    ["FILES_COMBINED_SIZE", "4"],
    ["&MULTIPART_PART_HEADERS:up", "2"],
    ["MULTIPART_PART_HEADERS:field", 'Content-Disposition: form-data; name=\\"field\\"'],
    ["MULTIPART_STRICT_ERROR", "0"],
    ["REQBODY_PROCESSOR", "MULTIPART"],
  ])("multipart: %s is %s", (variable, text) => {
    expect(ids(same(variable, text), form(parts, "multipart/form-data; boundary=b"))).toEqual([1]);
  });

  it.each([
    ["MULTIPART_BOUNDARY_QUOTED", 'multipart/form-data; boundary="b"', parts],
    ["MULTIPART_DATA_BEFORE", "multipart/form-data; boundary=b", `x\r\n${parts}`],
    ["MULTIPART_DATA_AFTER", "multipart/form-data; boundary=b", `${parts}x`],
    ["MULTIPART_UNMATCHED_BOUNDARY", "multipart/form-data; boundary=c", parts],
    ["REQBODY_ERROR", "multipart/form-data", parts],
    ["REQBODY_ERROR", "multipart/form-data; boundary=b", parts.replace("--b--", "")],
  ])("multipart: %s", (variable, type, body) => {
    expect(ids(same(variable, "1"), form(body, type))).toEqual([1]);
  });
});

describe("effects", () => {
  it("setvar sets, adds, subtracts and unsets, also names made at run time", () => {
    const rules = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=5,setvar:tx.b=+3,setvar:tx.c,setvar:!tx.gone"
SecRule ARGS "@rx ^(.)" "id:2,phase:1,pass,capture,setvar:tx.a=+%{tx.1},setvar:tx.name_%{matched_var_name}=%{MATCHED_VAR},setvar:tx.b=-1"
SecRule TX:a "@eq 12" "id:3,phase:2,pass"
SecRule TX:b "@eq 1" "id:4,phase:2,pass"
SecRule TX:c "@eq 1" "id:5,phase:2,pass"
SecRule TX:/^name_args:/ "@streq 4x" "id:6,phase:2,pass"
SecRule &TX:/^name_/ "@eq 2" "id:7,phase:2,pass"`;
    expect(ids(rules, { line: "GET /?p=3&q=4x HTTP/1.1" })).toEqual([1, 2, 3, 4, 5, 6, 7].filter((id) => id !== 1));
  });

  it("chains need all links; effects of links that matched stay", () => {
    const rules = `
SecRule ARGS:a "@streq 1" "id:1,phase:1,pass,chain,setvar:tx.first=1"
  SecRule ARGS:b "@streq 2" "setvar:tx.second=1"
SecRule TX:first "@eq 1" "id:2,phase:1,pass"
SecRule TX:second "@eq 1" "id:3,phase:1,pass"`;
    expect(ids(rules, { line: "GET /?a=1&b=2 HTTP/1.1" })).toEqual([1, 2, 3]);
    expect(ids(rules, { line: "GET /?a=1&b=3 HTTP/1.1" })).toEqual([2]);
    expect(ids(rules, { line: "GET /?a=2&b=2 HTTP/1.1" })).toEqual([]);
  });

  it("MATCHED_VARS are those of the whole chain", () => {
    const rules = `
SecRule ARGS "@rx x" "id:1,phase:1,pass,chain"
  SecRule MATCHED_VARS "@rx y" "chain"
  SecRule MATCHED_VARS_NAMES "@streq ARGS:b" ""`;
    expect(ids(rules, { line: "GET /?a=y&b=xy HTTP/1.1" })).toEqual([1]);
    expect(ids(rules, { line: "GET /?a=y&b=x HTTP/1.1" })).toEqual([]);
  });

  it("skipAfter and skip jump within the phase", () => {
    const rules = `
SecRule REQUEST_METHOD "@streq GET" "id:1,phase:1,pass,skipAfter:END"
SecRule REQUEST_METHOD "@rx ." "id:2,phase:1,pass"
SecMarker END
SecRule REQUEST_METHOD "@rx ." "id:3,phase:1,pass,skip:1"
SecRule REQUEST_METHOD "@rx ." "id:4,phase:1,pass"
SecRule REQUEST_METHOD "@rx ." "id:5,phase:1,pass"`;
    expect(ids(rules)).toEqual([1, 3, 5]);
    expect(ids(rules, { line: "PUT / HTTP/1.1" })).toEqual([2, 3, 5]);
  });

  it("ctl removes rules and targets for the transaction", () => {
    const rules = `
SecRule ARGS:off "@streq id" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=10-11"
SecRule ARGS:off "@streq tag" "id:2,phase:1,pass,nolog,ctl:ruleRemoveByTag=attack"
SecRule ARGS:off "@streq target" "id:3,phase:1,pass,nolog,ctl:ruleRemoveTargetById=10;ARGS:bad"
SecRule ARGS:off "@streq targettag" "id:4,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=attack;ARGS"
SecRule ARGS "@contains evil" "id:10,phase:2,pass,tag:attack"
SecRule ARGS_NAMES "@contains bad" "id:12,phase:2,pass,tag:attack"`;
    const run = (off: string) => ids(rules, { line: `GET /?off=${off}&bad=evil HTTP/1.1` }).filter((id) => id >= 10);
    expect(run("none")).toEqual([10, 12]);
    expect(run("id")).toEqual([12]);
    expect(run("tag")).toEqual([]);
    expect(run("target")).toEqual([12]);
    expect(run("targettag")).toEqual([12]);
  });

  it("deny ends the request, except for phase 5; DetectionOnly does not", () => {
    const rules = `
SecRule ARGS:a "@rx ." "id:1,phase:1,deny,status:406"
SecRule ARGS:a "@rx ." "id:2,phase:2,pass"
SecRule ARGS:a "@rx ." "id:3,phase:5,pass"`;
    waf.rules(rules);
    expect(waf.run({ line: "GET /?a=1 HTTP/1.1" })).toMatchObject({ ids: [1, 3], interrupted: 1, status: 406 });
    waf.rules(rules, { detectionOnly: true });
    expect(waf.run({ line: "GET /?a=1 HTTP/1.1" })).toMatchObject({ ids: [1, 2, 3], interrupted: 0 });
  });

  it("allow ends the inspection, of the phase or of the request", () => {
    const rules = (allow: string): string => `
SecRule ARGS:a "@rx ." "id:1,phase:1,${allow}"
SecRule ARGS:a "@rx ." "id:2,phase:1,pass"
SecRule ARGS:a "@rx ." "id:3,phase:2,pass"
SecRule RESPONSE_STATUS "@rx ." "id:4,phase:3,pass"`;
    const message: Message = { line: "GET /?a=1 HTTP/1.1", response: {} };
    expect(ids(rules("allow"), message)).toEqual([1]);
    expect(ids(rules("allow:phase"), message)).toEqual([1, 3, 4]);
    expect(ids(rules("allow:request"), message)).toEqual([1, 4]);
  });

  it("multiMatch looks at the value after each transformation", () => {
    const rule = (multi: string): string =>
      `SecRule ARGS:a "@streq AB" "id:1,phase:1,pass,t:none,t:urlDecode,t:lowercase${multi}"`;
    expect(ids(rule(""), { line: "GET /?a=%2541B HTTP/1.1" })).toEqual([]);
    expect(ids(rule(",multiMatch"), { line: "GET /?a=%2541B HTTP/1.1" })).toEqual([1]);
  });

  it("collections live on, by key, until they expire", () => {
    waf.rules(`
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}"
SecRule ARGS:hit "@rx ." "id:2,phase:1,pass,setvar:ip.count=+1,expirevar:ip.count=60"
SecRule IP:count "@ge 2" "id:3,phase:1,pass"`);
    const hit = (client: number[], now: number) => waf.run({ line: "GET /?hit=1 HTTP/1.1", client, now }).ids.includes(3);
    expect(hit([10, 0, 0, 1], 1e12)).toBe(false);
    expect(hit([10, 0, 0, 2], 1e12 + 1000)).toBe(false);
    expect(hit([10, 0, 0, 1], 1e12 + 2000)).toBe(true);
    expect(hit([10, 0, 0, 1], 1e12 + 200_000)).toBe(false);
  });
});

describe("findings", () => {
  it("say what matched where, after which transformations, and with how many points", () => {
    waf.rules(`
SecAction "id:1,phase:1,pass,nolog,setvar:tx.critical_anomaly_score=5"
SecRule ARGS "@rx (ev.l)" "id:2,phase:2,pass,capture,t:none,t:lowercase,msg:'Found %{TX.1}',logdata:'in %{MATCHED_VAR_NAME}',\\
  setvar:'tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}'"`);
    expect(waf.run({ line: "GET /?q=an+EVIL+one HTTP/1.1" }).found).toEqual([
      { id: 2, logged: true, location: "ARGS:q", data: "evil", message: "Found evil", detail: "in ARGS:q",
        transformations: "lowercase", points: 5 },
    ]);
  });
});

describe("memory", () => {
  it("is all given back", () => {
    waf.rules('SecRule ARGS "@rx a" "id:1,phase:2,pass,t:lowercase"');
    const before = waf.memoryTaken();
    for (let i = 0; i < 50; i++) waf.run(form("A=".repeat(i * 100)));
    expect(waf.memoryTaken()).toBeLessThanOrEqual(before + 65_536);
  });
});
