import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Rule } from "./ir.js";
import { parseSecLang } from "./parse.js";

const parse = (text: string, files: Readonly<Record<string, string>> = {}) =>
  parseSecLang([{ name: "f", text }], (name) => files[name]);
const rules = (text: string): Rule[] => {
  const { items, refused } = parse(text);
  expect(refused).toEqual([]);
  return items.filter((item): item is Rule => item.kind === "rule");
};
const link = (text: string) => rules(text)[0]?.links[0];

describe("targets", () => {
  it("have members, counts, exclusions and regular expressions", () => {
    const found = link(`SecRule ARGS:a|&ARGS|!ARGS:/^b|c\\/$/|REQUEST_HEADERS:'/x|y/'|XML:/*|XML://@* "@rx x" "id:1"`);
    expect(found?.targets).toEqual([
      { variable: "ARGS", count: false, select: { kind: "key", key: "a" } },
      { variable: "ARGS", count: true, select: { kind: "all" } },
      { variable: "REQUEST_HEADERS", count: false, select: { kind: "regex", pattern: "x|y" } },
      { variable: "XML", count: false, select: { kind: "key", key: "/*" } },
      { variable: "XML", count: false, select: { kind: "key", key: "//@*" } },
    ]);
    expect(found?.exclusions).toEqual([{ variable: "ARGS", select: { kind: "regex", pattern: "^b|c/$" } }]);
  });
});

describe("actions", () => {
  it("come from the defaults of the phase, and t:none forgets theirs", () => {
    const text = `SecDefaultAction "phase:2,deny,status:406,nolog,t:lowercase"\n`;
    expect(rules(`${text}SecRule ARGS "x" "id:1,phase:2,block,t:urlDecode"`)).toMatchObject([
      { disruption: "deny", status: 406, log: false, links: [{ transformations: ["lowercase", "urldecode"] }] },
    ]);
    expect(rules(`${text}SecRule ARGS "x" "id:1,phase:2,pass,log,t:none,t:urlDecode"`)).toMatchObject([
      { disruption: "pass", log: true, links: [{ transformations: ["urldecode"] }] },
    ]);
  });

  it("may have commas and quotes in quotes", () => {
    expect(link(`SecRule ARGS "x" "id:1,msg:'a, b: it\\'s',logdata:'%{TX.0} in %{NONE} %{matched_var_name}'"`)).toMatchObject({
      msg: [{ text: "a, b: it's" }],
      logdata: [{ variable: "TX", key: "0" }, { text: " in %{NONE} " }, { variable: "MATCHED_VAR_NAME", key: "" }],
    });
  });

  it.each([
    ["setvar:tx.a=+%{tx.b}", { how: "add", value: [{ variable: "TX", key: "b" }] }],
    ["setvar:'tx.a=-2'", { how: "subtract", value: [{ text: "2" }] }],
    ["setvar:!tx.a", { how: "unset" }],
    ["setvar:tx.a=+b", { how: "set", value: [{ text: "+b" }] }],
    ["setvar:tx.A_%{tx.0}", { how: "set", name: [{ text: "a_" }, { variable: "TX", key: "0" }], value: [{ text: "1" }] }],
  ])("%s", (action, effect) => {
    expect(link(`SecRule ARGS "x" "id:1,${action}"`)?.effects).toMatchObject([effect]);
  });
});

describe("changes to rules before", () => {
  const three = `SecRule ARGS "x" "id:1,tag:'a/b',msg:'one'"\nSecRule ARGS "x" "id:2,tag:'a/c',msg:'two'"\nSecRule ARGS "x" "id:3"\n`;

  it.each([
    ["SecRuleRemoveById 1 3", [2]],
    ['SecRuleRemoveById "2-9"', [1]],
    ["SecRuleRemoveByTag ^a/c$", [1, 3]],
    ["SecRuleRemoveByMsg one", [2, 3]],
  ])("%s", (directive, left) => {
    expect(rules(three + directive).map(({ id }) => id)).toEqual(left);
  });

  it("targets and actions", () => {
    const changed = rules(`${three}SecRuleUpdateTargetById 1-2 "!ARGS:x|REQUEST_URI"\nSecRuleUpdateTargetByTag a/c "ARGS_NAMES" "ARGS"
SecRuleUpdateActionById 3 "deny,t:none,t:lowercase"`);
    expect(changed.map(({ links }) => links[0]?.targets.map(({ variable }) => variable))).toEqual([
      ["ARGS", "REQUEST_URI"], ["REQUEST_URI", "ARGS_NAMES"], ["ARGS"],
    ]);
    expect(changed[1]?.links[0]?.exclusions).toEqual([{ variable: "ARGS", select: { kind: "key", key: "x" } }]);
    expect(changed[2]).toMatchObject({ disruption: "deny", links: [{ transformations: ["lowercase"] }] });
  });
});

describe("refusals", () => {
  it.each([
    ['SecRule NOPE "x" "id:1"', "f:1:9 1 there is no variable NOPE"],
    ['SecRule ARGS "@nope" "id:1"', "f:1:15 1 there is no operator @nope"],
    ['SecRule ARGS "@rbl a" "id:1"', "f:1:15 1 @rbl cannot be used here: it asks a name server, and modules have no network"],
    ['SecRule ARGS "x" "id:1,nope"', "f:1:24 1 there is no action nope"],
    ['SecRule ARGS "x" "id:1,t:nope"', "f:1:24 1 there is no transformation nope"],
    ['SecRule ARGS "x" "phase:1"', "f:1:1 0 the rule has no id: add id:NUMBER"],
    ['SecRule ARGS "x" "id:1,phase:7"', "f:1:24 1 a phase is 1 to 5, request, response or logging"],
    ["SecNope On", "f:1:1 0 there is no directive SecNope"],
    ["SecRuleEngine Maybe", "f:1:15 0 the engine is On, Off or DetectionOnly"],
    ["Include none.conf", "f:1:9 0 the file none.conf was not given"],
    ['SecRule ARGS "@pmFromFile a.data" "id:1"', "f:1:15 1 the file a.data was not given: put it next to the rules"],
    ['SecRule REQUEST_URI:x "x" "id:1"', 'f:1:9 1 REQUEST_URI has no members: leave out ":x"'],
    ['SecRule ARGS "x" "id:1,chain"\nSecMarker A', "f:2:1 1 the chain of rule 1 ends without its last rule"],
  ])("%s", (text, expected) => {
    expect(parse(text).refused.map(({ file, line, column, id, reason }) =>
      `${file}:${line}:${column} ${id} ${reason}`)).toEqual([expected]);
  });

  it("take a chain as a whole and nothing else", () => {
    const { items, refused } = parse(`SecRule ARGS "x" "id:1,chain"\nSecRule NOPE "x" "chain"\nSecRule ARGS "x"\nSecRule ARGS "x" "id:2"`);
    expect(refused.map(({ id }) => id)).toEqual([1]);
    expect(items.map((item) => item.kind === "rule" && item.id)).toEqual([2]);
  });

  it("two rules cannot have one id", () => {
    expect(parse('SecAction "id:1"\nSecAction "id:1"').refused).toHaveLength(1);
  });
});

describe("files", () => {
  it("are included and read for phrases", () => {
    const { items, refused } = parse("Include a.conf", { "a.conf": 'SecRule ARGS "@pmFromFile p.data" "id:1"',
      "p.data": "# no\nfoo bar\n\nbaz\n" });
    expect(refused).toEqual([]);
    expect((items[0] as Rule).links[0]?.operator?.phrases).toEqual(["foo bar", "baz"]);
  });

  it("that include themselves end", () => {
    expect(parse("Include a.conf", { "a.conf": "Include a.conf" }).refused).toHaveLength(1);
  });

  it("of any content never make it throw", () => {
    const piece = fc.constantFrom("SecRule", "SecAction", "ARGS", "|", "!", "&", ":", "/",
      '"', "'", "@rx", "@pm", " ", "\n", "\\", "id:1", ",", "chain", "setvar:tx.", "=", "%{", "}", "ctl:", "ruleRemoveById", "SecMarker", "t:none");
    fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => void parse(pieces.join(""))));
  });
});
