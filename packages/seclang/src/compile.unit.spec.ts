import { readRuleImage } from "@secuxflow/rule-image";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileSecLang } from "./index.js";

const ids = (text: string, options = {}) => compileSecLang([{ name: "f", text }], options).rules.map(({ id }) => id);

describe("folding", () => {
  const levels = `
SecRule &TX:level "@eq 0" "id:1,phase:1,pass,nolog,setvar:tx.level=1"
SecRule TX:level "@lt 1" "id:2,phase:1,pass,nolog,skipAfter:END"
SecRule ARGS "a" "id:3,phase:1"
SecRule TX:level "@lt 2" "id:4,phase:1,pass,nolog,skipAfter:END"
SecRule ARGS "b" "id:5,phase:1"
SecMarker END
SecRule ARGS "c" "id:6,phase:1"`;

  it("leaves out what is always jumped over or never matches", () => {
    expect(ids(levels)).toEqual([3, 6]);
    expect(ids(levels, { setup: 'SecAction "id:9,phase:1,pass,nolog,setvar:tx.level=2"' })).toEqual([3, 5, 6]);
  });

  it("keeps what depends on the request", () => {
    const rule = 'SecRule ARGS:a "x" "id:9,phase:1,pass,setvar:tx.level=2"';
    expect(ids(levels, { setup: rule })).toEqual([9, 1, 2, 3, 4, 5, 6]);
    expect(ids(levels, { setup: 'SecRule ARGS:a "@rx (.*)" "id:9,phase:1,pass,capture,setvar:tx.%{tx.0}=2"' })).toEqual([9, 1,
      2, 3, 4, 5, 6]);
  });

  it("keeps jumps that a ctl may take out without what they jump over", () => {
    const ctl = 'SecRule ARGS:a "x" "id:9,phase:1,pass,ctl:ruleRemoveById=4"';
    expect(ids(levels.replace("SecRule TX:level \"@lt 1\"", `${ctl}\nSecRule TX:level "@lt 1"`))).toContain(5);
  });
});

describe("images", () => {
  it("are the same for the same rules, and have the texts of rules for hosts", () => {
    const text = `SecRule ARGS "@rx a" "id:7,msg:'Gr\xfc\xdfe',severity:ERROR,tag:'attack-x'"`;
    const [one, two] = [compileSecLang([{ name: "f", text }]), compileSecLang([{ name: "f", text }])];
    expect(one.image).toEqual(two.image);
    const meta = readRuleImage(one.image).sections.find(({ tag }) => tag === "META");
    expect(JSON.parse(Buffer.from(meta?.bytes ?? []).toString("utf8"))).toMatchObject({ rules: { 7: { msg: "Gr\xfc\xdfe",
      severity: 2, category: "attack-x" } } });
  });

  it("leave out a rule whose operand is wrong, and say where", () => {
    const { rules, refused } = compileSecLang([{ name: "f",
      text: 'SecRule ARGS "@rx (" "id:1"\nSecRule ARGS "@ipMatch x" "id:2"\nSecRule ARGS "@rx a" "id:3"' }]);
    expect(rules.map(({ id }) => id)).toEqual([3]);
    expect(refused.map(({ id, line }) => [id, line])).toEqual([[1, 1], [2, 2]]);
  });
});

const DATA = process.env.SECUXFLOW_CONFORMANCE ?? join(import.meta.dirname, "../../../../shared/conformance");
const CRS = join(DATA, "crs-v4.28");

describe.skipIf(!existsSync(CRS))("CRS 4.28 (skipped without SECUXFLOW_CONFORMANCE/crs-v4.28)", () => {
  const folder = join(CRS, "rules");
  const files = () => [join(CRS, "crs-setup.conf.example"), ...readdirSync(folder).filter((file) =>
    file.endsWith(".conf")).sort().map((file) => join(folder, file))]
    .map((name) => ({ name, text: readFileSync(name) }));

  it.each([1, 4] as const)("compiles completely at paranoia level %i", (paranoia) => {
    const compiled = compileSecLang(files(), { paranoia, read: (name) => readFileSync(join(folder, name)) });
    expect(compiled.refused).toEqual([]);
    expect(compiled.parsed).toBeGreaterThan(600);
    expect(compiled.rules.some(({ tags }) => tags.includes("paranoia-level/4"))).toBe(paranoia === 4);
    // Most rules of a level are found by literals or classes of bytes.
    expect(compiled.statistics.always).toBeLessThan(compiled.rules.length / 2);
  }, 30_000);
});
