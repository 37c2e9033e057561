import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bufferById } from "./buffers.js";
import { compileRules, type CompileOptions } from "./compile.js";
import type { ContentMatch, Match, Rule } from "./ir.js";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The one rule of `options`, or the reason of its refusal. */
function compileOne(options: string, header = "alert tcp any any -> any any", more: CompileOptions = {}): Rule | string {
  const { rules, refused } = compileRules([{ name: "t", text: `${header} (${options} sid:1;)` }], more);
  return rules[0] ?? refused[0]!.reason;
}

function rule(options: string, header?: string, more?: CompileOptions): Rule {
  const result = compileOne(options, header, more);
  if (typeof result === "string") throw new Error(result);
  return result;
}

/** Inspections as `buffer: match match`, short. */
function shape(found: Rule): string[] {
  const short = (match: Match): string => {
    if (match.type !== "content") return match.type;
    const places = (["offset", "depth", "distance", "within"] as const)
      .filter((name) => match[name] !== undefined)
      .map((name) => `${name}=${JSON.stringify(match[name])}`);
    return [
      `${match.negated ? "!" : ""}${latin1(match.bytes)}`,
      ...(match.nocase ? ["nocase"] : []),
      ...places,
      ...(match.endsWith ? ["ends"] : []),
    ].join("/");
  };
  return found.inspections.map(
    ({ buffer, transforms, matches }) =>
      `${[bufferById(buffer)!.name, ...transforms.map(({ type }) => type)].join("+")}: ${matches.map(short).join(" ")}`,
  );
}

const HTTP = "alert http any any -> any any";

describe("buffers", () => {
  it("collects what is asked of one buffer, in order, whatever stands between", () => {
    const found = rule(
      'http.method; content:"POST"; http.uri; content:"/a"; startswith; http.method; content:"T"; endswith; ' +
        'pkt_data; content:"raw"; http.uri; content:"b"; distance:2; within:9;',
      HTTP,
    );
    expect(shape(found)).toEqual([
      "http.method: POST T/ends",
      "http.uri: /a/offset=0/depth=2 b/distance=2/within=9",
      "payload: raw",
    ]);
    expect(found.flow.directions).toBe(1);
    expect(found.kind).toBe("transaction");
  });

  it("moves contents with modifiers as sticky buffers would have placed them", () => {
    const legacy = rule(
      'content:"POST"; http_method; content:"/A"; nocase; http_uri; content:"x"; http_client_body; depth:5; ' +
        'pcre:"/q=\\d+/Ui"; uricontent:"z"; nocase; urilen:>5;',
    );
    expect(shape(legacy)).toEqual([
      "http.method: POST",
      "http.uri: /A/nocase pcre z/nocase bsize",
      "http.request_body: x/depth=5",
    ]);
    expect(legacy.header.app).toBe(2);
  });

  it("keeps each use of a buffer with several instances apart, and merges equal transformations", () => {
    expect(
      shape(rule('dns.query; content:"a"; dns.query; dotprefix; content:".b"; endswith;', "alert dns any any -> any any")),
    ).toEqual(["dns.query: a", "dns.query+dotprefix: .b/ends"]);
    expect(
      shape(
        rule(
          'http.uri; to_lowercase; content:"a"; http.host; content:"h"; http.uri; to_lowercase; content:"b"; http.uri; content:"C";',
          HTTP,
        ),
      ),
    ).toEqual(["http.uri+to_lowercase: a b", "http.host: h", "http.uri: C"]);
  });

  it("puts what is relative behind the match before it, in whatever buffer a modifier has moved that to", () => {
    const found = rule('content:"id="; http_uri; byte_test:1,>,5,0,relative,string; isdataat:!9,relative; byte_test:1,>,1,0;');
    expect(shape(found)).toEqual(["payload: byte_test", "http.uri: id= byte_test isdataat"]);
    expect(shape(rule('content:"x"; http_uri; isdataat:!1,relative;'))).toEqual(["http.uri: x/ends"]);
  });

  it("nests what base64_data asks for", () => {
    const found = rule(
      'content:"Basic "; base64_decode:bytes 30, offset 1, relative; base64_data; content:"admin:"; startswith;',
    );
    const [list] = found.inspections;
    expect(list!.matches).toHaveLength(2);
    expect(list!.matches[1]).toMatchObject({
      type: "base64",
      bytes: 30,
      offset: 1,
      relative: true,
      matches: [{ type: "content", startsWith: true }],
    });
  });

  it("makes endswith of a negated isdataat, and variables of byte_extract", () => {
    const found = rule(
      'content:"ab"; isdataat:!1,relative; byte_extract:2,0,len,relative,little; content:"c"; distance:len; ' +
        "byte_test:4,!&,0x10,-4,relative; byte_jump:2,0,relative,multiplier 4,post_offset -1;",
    );
    const [first, extract, second, test, jump] = found.inspections[0]!.matches;
    expect(first).toMatchObject({ endsWith: true });
    expect(extract).toMatchObject({ type: "byte_extract", variable: 0, order: "little" });
    expect(second).toMatchObject({ distance: { variable: 0 } });
    expect(test).toMatchObject({ operator: "&", negated: true, value: 16n, offset: -4, relative: true });
    expect(jump).toMatchObject({ multiplier: 4, postOffset: -1, from: "here" });
    expect(found.variables).toEqual(["len"]);
  });
});

describe("conditions and what follows", () => {
  it("reads packet keywords", () => {
    const found = rule("flags:S,12; ttl:<5; stream_size:server,<,5; ip_proto:!udp; fragbits:!DM;");
    expect(found.conditions).toEqual([
      { type: "flags", value: 2, ignored: 0xc0, mode: "equal" },
      { type: "ttl", range: { min: 0, max: 4, negated: false } },
      { type: "stream_size", side: "server", range: { min: 0, max: 4, negated: false } },
      { type: "ip_proto", range: { min: 17, max: 17, negated: true } },
      { type: "fragbits", value: 3, mode: "not" },
    ]);
    expect(found.kind).toBe("packet");
  });

  it("reads dates, hexadecimal and names", () => {
    expect(rule("tos:!x1f;").conditions).toEqual([{ type: "tos", range: { min: 31, max: 31, negated: true } }]);
    expect(rule("tls_cert_notafter:>2024-02-29;", "alert tls any any -> any any").conditions).toEqual([
      {
        type: "tls.cert_notafter",
        range: { min: Date.UTC(2024, 1, 29) / 1000 + 1, max: Number.MAX_SAFE_INTEGER, negated: false },
      },
    ]);
    expect(rule("dns.rcode:nxdomain;", "alert dns any any -> any any").conditions).toEqual([
      { type: "dns.rcode", range: { min: 3, max: 3, negated: false } },
    ]);
    expect(rule("app-layer-event:tls.invalid_record_type;").header.app).toBe(3);
    expect(rule("dce_iface:4b324fc8-1670-01d3-1278-5a47bf6ee188;", "alert smb any any -> any any").conditions).toMatchObject([
      { type: "dcerpc.iface", anyFrag: false },
    ]);
  });

  it("applies event filters: the rule's before its threshold, those for all behind it", () => {
    const filter = (sid: number): CompileOptions => ({
      thresholds: [{ name: "t", text: `event_filter gen_id 1, sig_id ${sid}, type limit, track by_src, count 7, seconds 5` }],
    });
    const own = "threshold:type limit,track by_src,count 1,seconds 60;";
    expect(rule(own, undefined, filter(1)).threshold?.count).toBe(7);
    expect(rule(own, undefined, filter(0)).threshold?.count).toBe(1);
    expect(rule("", undefined, filter(0)).threshold?.count).toBe(7);
  });

  it("tells conditions from what a match does", () => {
    const found = rule(
      "flowbits:isset,a|b; flowbits:set,c; xbits:set,x,track ip_pair,expire 9; flowint:n,>=,3; flowint:n,+,1; " +
        "tag:session,5,packets; noalert; threshold:type limit,track by_src,count 1,seconds 60;",
    );
    expect(found.conditions.map(({ type }) => type)).toEqual(["flowbits", "flowint"]);
    expect(found.post).toEqual([
      { type: "flowbits", operation: "set", names: ["c"] },
      { type: "xbits", operation: "set", name: "x", track: "ip_pair", expire: 9 },
      { type: "flowint", operation: "+", name: "n", value: 1 },
      { type: "tag", scope: "session", count: 5, unit: "packets", host: "src" },
    ]);
    expect(found.noalert).toBe(true);
    expect(found.threshold).toEqual({ type: "limit", track: "by_src", count: 1, seconds: 60, multiplier: 1 });
  });

  it("knows what a rule has to look at", () => {
    expect(rule("", "alert ip [1.2.3.4,5.6.7.8] any -> any any").kind).toBe("ip");
    expect(rule("decode-event:ipv4.trunc_pkt;", "alert pkthdr any any -> any any").kind).toBe("decoder");
    expect(rule('content:"x";').payload).toBe("stream");
    expect(rule('content:"x"; depth:1;').payload).toBe("both");
    expect(rule('content:"x"; dsize:>5;').payload).toBe("packet");
    expect(rule('content:"x";', "alert udp any any -> any any").payload).toBe("packet");
    expect(rule('content:"x";', "alert tcp-pkt any any -> any any").payload).toBe("packet");
    expect(rule('content:"x"; depth:1; flow:only_stream;').payload).toBe("stream");
  });

  it("takes classes, priorities, references and thresholds from configuration", () => {
    const more: CompileOptions = {
      classifications: [{ name: "c", text: "config classification: own,Our own class,2\nrubbish" }],
      references: [{ name: "r", text: "config reference: own https://example.test/" }],
      thresholds: [
        {
          name: "t",
          text: [
            "suppress gen_id 1, sig_id 1, track by_src, ip [10.0.0.1,$LAB]",
            "rate_filter gen_id 1, sig_id 1, track by_dst, count 2, seconds 3, new_action drop, timeout 4",
          ].join("\n"),
        },
      ],
      variables: { addresses: { LAB: "10.2.0.0/16" } },
    };
    const found = rule("classtype:own; reference:own,a/b; reference:cve,2021-1;", undefined, more);
    expect(found).toMatchObject({ priority: 2, severity: 2, category: "Our own class" });
    expect(found.references).toEqual([
      { scheme: "own", value: "a/b", url: "https://example.test/a/b" },
      { scheme: "cve", value: "2021-1", url: "http://cve.mitre.org/cgi-bin/cvename.cgi?name=2021-1" },
    ]);
    expect(found.suppressions).toMatchObject([
      {
        track: "by_src",
        addresses: {
          v4: [
            { from: 0x0a000001, to: 0x0a000001 },
            { from: 0x0a020000, to: 0x0a02ffff },
          ],
        },
      },
    ]);
    expect(found.rateFilter).toEqual({ track: "by_dst", count: 2, seconds: 3, newAction: "drop", timeout: 4 });
    expect(rule("classtype:own; priority:9;", undefined, more)).toMatchObject({ priority: 9, severity: 4 });
    expect(compileRules([], more).refused).toMatchObject([{ file: "c", line: 2 }]);
  });

  it("reads data sets that are given", () => {
    const readDataset = (name: string): string | undefined =>
      name === "bad.lst" ? `${Buffer.from("evil").toString("base64")}\n` : undefined;
    const found = rule("dns.query; dataset:isset,bad,type string,load bad.lst;", "alert dns any any -> any any", { readDataset });
    expect(found.inspections[0]!.matches[0]).toMatchObject({
      type: "dataset",
      kind: "string",
      values: [new TextEncoder().encode("evil")],
    });
    expect(compileOne("dns.query; dataset:isset,other;", "alert dns any any -> any any", { readDataset })).toContain("not given");
  });
});

describe("fast patterns", () => {
  const fast = (options: string, header = HTTP): string => {
    const found = rule(options, header).fastPattern;
    return found === undefined ? "-" : `${found.inspection}.${found.match} ${found.negated ? "!" : ""}${latin1(found.bytes)}`;
  };

  it("are those that the rule names, or a part of them", () => {
    expect(fast('content:"aaaaaaaa"; http.uri; content:"bb"; fast_pattern;')).toBe("1.0 bb");
    expect(fast('http.uri; content:"abcdef"; fast_pattern:1,3; content:"longer than this";')).toBe("0.0 bcd");
  });

  it("are else the longest of the buffers that come first", () => {
    expect(fast('content:"the longest of all"; http.uri; content:"/ab"; content:"/abc";')).toBe("1.1 /abc");
    expect(
      fast('http.method; content:"DELETE"; http.stat_code; content:"x"; content:"y";'.replace("http.stat_code", "http.header")),
    ).toBe("1.0 x");
    expect(fast('content:!"negated"; content:"ab";', "alert tcp any any -> any any")).toBe("0.1 ab");
    expect(fast('content:!"negated";', "alert tcp any any -> any any")).toBe("0.0 !negated");
    expect(fast('content:"aaaa"; content:"|01 02 03 04|"; content:"abcd";', "alert tcp any any -> any any")).toBe(
      "0.1 \x01\x02\x03\x04",
    );
    expect(fast("http.uri; bsize:5;")).toBe("-");
  });
});

describe("refusals", () => {
  const cases: [string, string, string?][] = [
    ['content:"";', "the content is empty"],
    ['content:"abc"; depth:2;', "depth 2 is less than the 3 bytes"],
    ['content:"abc"; within:2;', "within 2 is less than the 3 bytes"],
    ['content:"a"; offset:1; distance:1;', "either offset"],
    ['content:"a"; offset:1; offset:2;', "offset: the content has one already"],
    ['content:"a"; startswith; depth:4;', "depth: startswith has set it already"],
    ['content:"a"; nocase; nocase;', "nocase: the content has it already"],
    ['content:"a"; fast_pattern; content:"b"; fast_pattern;', "only one content of a rule"],
    ['content:!"a"; fast_pattern; depth:1;', "a negated content can be it only without"],
    ['content:"a"; fast_pattern:0,2;', "beyond the 1 bytes"],
    ["nocase;", "nocase needs a content before it"],
    ['http.uri; http.host; content:"a";', "http.uri: the buffer has nothing to match"],
    ['http.uri; content:"a"; http.host;', "http.host: the buffer has nothing to match"],
    ['http.uri; content:"a"; flow:to_client;', "http.uri exists only to the server"],
    ['http.uri; content:"a"; http.stat_code; content:"200";', "http.stat_code exists only to the client"],
    ['dns.query; content:"a";', "dns.query does not exist in the protocol", HTTP],
    ['http.uri; content:"a";', "http does not run over udp", "alert udp any any -> any any"],
    ['http.uri; content:"a"; to_lowercase;', "directly behind the sticky buffer"],
    ["dotprefix;", "must follow a sticky buffer"],
    ['http.host; content:"Example";', "http.host is in lower case"],
    ['http.uri; content:"abcdef"; bsize:3;', "may have at most 3"],
    ['content:"abcdef"; dsize:<5;', "dsize allows at most 4"],
    ["flow:to_server,to_client;", "exclude each other"],
    ["flow:established; flow:to_server;", "only once"],
    ["flowbits:set,a|b;", "takes one name"],
    [
      "threshold:type limit,track by_src,count 1,seconds 1; detection_filter:track by_src,count 1,seconds 1;",
      "exclude each other",
    ],
    ["byte_test:9,>,1,0;", "9 bytes cannot be read"],
    ["byte_test:1,>,1,nothing;", "neither a number nor a variable"],
    ["byte_extract:1,0,a; byte_extract:1,0,a;", "exists already"],
    ['pcre:"/(/";', "pcre: "],
    ['pcre:"/a/K";', "the flag K is not known"],
    ["flags:S;", "flags is about TCP", "alert udp any any -> any any"],
    ["lua:x.lua;", "lua is not supported"],
    ["mqtt.type:x;", "its protocol is not parsed here"],
    ["nonsense:1;", '"nonsense" is not a keyword'],
    ["decode-event:nothing;", "is not an event of the engine"],
    ["", "is not a protocol", "alert nonsense any any -> any any"],
    ["", "is not an action", "warn tcp any any -> any any"],
    ["", "the direction is ->, <> or =>", "alert tcp any any <- any any"],
    ['http.uri; content:"a";', "needs buffers of both directions", "alert http any any => any any"],
    ['http.uri; content:"a"; http.header; content:"b";', "must say which", "alert http any any => any any"],
    ['flow:to_server; http.uri; content:"a";', "no direction of its own", "alert http any any => any any"],
    ['content:"a"; http.uri; content:"b";', "is not part of a transaction", "alert http any any => any any"],
    ['http.header: to_client; content:"a";', "takes no value", "alert http any any -> any any"],
    ["", "is not defined", "alert tcp $NOWHERE any -> any any"],
    ["sid:2;", "only once"],
  ];
  it.each(cases)("%s", (options, reason, header) => {
    expect(compileOne(options, header)).toContain(reason);
  });

  it("name file, line, column and sid, and leave the others alone", () => {
    const text = [
      'alert tcp any any -> any any (msg:"fine"; sid:1;)',
      "",
      "alert tcp any any -> any any ( \\",
      '  msg:"bad"; content:"a|4|"; sid:7;)',
      "alert tcp any any -> any",
      "#alert tcp any any -> any any (sid:3;)",
    ].join("\n");
    const { rules, refused, disabled } = compileRules([{ name: "x.rules", text }]);
    expect(rules.map(({ sid }) => sid)).toEqual([1]);
    expect(refused).toEqual([
      {
        file: "x.rules",
        line: 4,
        column: 24,
        sid: 7,
        kind: "syntax",
        reason: "between the bars must be pairs of hexadecimal digits",
      },
      { file: "x.rules", line: 5, column: 25, sid: 0, kind: "syntax", reason: "a destination port is missing" },
    ]);
    expect(disabled).toBe(1);
  });

  it("keep all rules that share sid and revision but not their text", () => {
    const line = (address: string): string => `alert ip ${address} any -> any any (sid:5; rev:1;)`;
    const { rules, refused } = compileRules([{ name: "a", text: [line("1.2.3.4"), line("1.2.3.5"), line("1.2.3.4")].join("\n") }]);
    expect(rules).toHaveLength(2);
    expect(refused.map(({ kind, line: at }) => [kind, at])).toEqual([["duplicate", 3]]);
  });

  it("keep the newest of rules with one sid", () => {
    const line = (rev: number): string => `alert tcp any any -> any any (sid:5; rev:${rev};)`;
    const { rules, refused } = compileRules([{ name: "a", text: [line(2), line(1), line(3)].join("\n") }]);
    expect(rules.map(({ rev }) => rev)).toEqual([3]);
    expect(refused.map(({ kind, line: at }) => [kind, at])).toEqual([
      ["duplicate", 2],
      ["duplicate", 1],
    ]);
  });
});

describe("any text", () => {
  const pieces = [
    "alert tcp any any -> any any (",
    "alert http $HOME_NET any <> [!1.2.3.4,any] 80 (",
    'content:"a|41|";',
    "http.uri;",
    "http_uri;",
    "distance:-1;",
    "within:x;",
    "byte_jump:4,0,relative;",
    "byte_extract:1,0,x;",
    "base64_decode;",
    "base64_data;",
    'pcre:"/a+/Ri";',
    "bsize:1;",
    "dotprefix;",
    "pkt_data;",
    "flow:to_server;",
    "fast_pattern:only;",
    "urilen:5<>9;",
    "flags:S+;",
    "threshold:type both;",
    "isdataat:!1,relative;",
    "absent;",
    "sid:1;",
    ")",
    "\\",
    "\n",
    '"',
    ";",
    ":",
    "!",
    "]",
  ];

  it("is compiled or refused, and what is compiled is in range", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 20 }), (parts) => {
        const { rules } = compileRules([{ name: "f", text: parts.join(" ") }]);
        for (const found of rules) {
          for (const inspection of found.inspections) {
            expect(inspection.matches.length).toBeGreaterThan(0);
            expect(bufferById(inspection.buffer)).toBeDefined();
            expect(inspection.directions & bufferById(inspection.buffer)!.directions).not.toBe(0);
          }
          const fast = found.fastPattern;
          if (fast !== undefined)
            expect((found.inspections[fast.inspection]!.matches[fast.match] as ContentMatch).type).toBe("content");
        }
      }),
      { numRuns: 300 },
    );
  });
});
