import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileSecLang, freeExclusionId, pathOf, renderExclusions, suggestedExclusions } from "./index.js";

describe("exclusions", () => {
  it("are read from what an alert suggests, and nothing else is", () => {
    const text = 'SecRuleUpdateTargetById 942100 "!ARGS:q"\nSecRuleRemoveById 920350\nSecRuleEngine Off\nSecRuleUpdateTargetById 7 "!ARGS:a,ctl:ruleEngine=Off"';
    expect(suggestedExclusions(text)).toEqual([{ rule: 942_100, target: "ARGS:q" }, { rule: 920_350 }, { rule: 7 }]);
  });

  it("take the path that rules see", () => {
    expect(pathOf("/a%20b/c?x=/d")).toBe("/a b/c");
    expect(pathOf("http://host:80/x#y")).toBe("/x");
    expect(pathOf("http://host?q")).toBe("/");
  });

  it("are written for one path and a time", () => {
    const group = { exclusions: [{ rule: 942_100, target: "ARGS:q" }, { rule: 920_350 }], path: "/a.php", expires: 1_798_761_600, note: "alert 17,\nalice" };
    expect(renderExclusions(group, 9_190_000)).toBe(
      [
        "# Until 2027-01-01T00:00:00.000Z: alert 17, alice",
        'SecRule REQUEST_FILENAME "@rx ^/a\\x2ephp$" "id:9190000,phase:1,t:none,pass,nolog,chain"',
        '    SecRule TIME_EPOCH "@lt 1798761600" "t:none,ctl:ruleRemoveTargetById=942100;ARGS:q,ctl:ruleRemoveById=920350"',
        "",
      ].join("\n"),
    );
  });

  it("compile, whatever the path and the note", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.string({ unit: "grapheme", maxLength: 40 }), (path, note) => {
        const text = renderExclusions({ exclusions: [{ rule: 5, target: "ARGS:a.b" }], path, expires: 1_800_000_000, note }, 9_190_003);
        const compiled = compileSecLang([{ name: "x", text: `${text}SecRule ARGS "@rx a" "id:5,phase:2"\n` }]);
        expect(compiled.refused).toEqual([]);
        expect(compiled.rules.map(({ id }) => id)).toEqual([9_190_003, 5]);
        expect(freeExclusionId(text)).toBe(9_190_000);
      }),
    );
    expect(freeExclusionId("id:9190000,x id:9190001")).toBe(9_190_002);
  });
});
