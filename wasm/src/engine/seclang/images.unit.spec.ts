import { compileSecLang } from "@secuxflow/seclang";
import { readRuleImage, writeRuleImage } from "@secuxflow/rule-image";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Waf } from "./rig.js";

const RULES = `
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1,setvar:tx.x_%{REQUEST_METHOD}=1"
SecRule ARGS|!ARGS:/^x/|REQUEST_HEADERS:a "@rx (?i)sel(e)ct|b+" "id:2,phase:2,pass,capture,t:none,t:urlDecodeUni,t:lowercase,msg:'x %{TX.1}',\
  logdata:'%{ARGS.q}',setvar:tx.a=+%{TX.score},chain"
  SecRule MATCHED_VARS|TX:/^a/ "!@pm one two" "ctl:ruleRemoveTargetById=3;ARGS:z"
SecRule REMOTE_ADDR "@ipMatch 10.0.0.0/8" "id:3,phase:2,pass,ctl:ruleRemoveById=4,multiMatch,t:hexEncode"
SecRule REQUEST_URI "@validateByteRange 32-126" "id:4,phase:2,deny,skipAfter:END"
SecRule &ARGS "@gt %{TX.limit}" "id:5,phase:1,pass,expirevar:ip.n=5"
SecMarker END`;
const MESSAGE = { line: "GET /?q=SELECT&z=bbb HTTP/1.1", headers: [["a", "b"]] as const, body: "x=1", response: { body: "x" } };

let waf: Waf;
let image: Uint8Array;
beforeAll(async () => {
  waf = await Waf.create();
  image = compileSecLang([{ name: "r", text: RULES }]).image;
});

describe("images", () => {
  it("that are damaged are refused, and the rules before stay", () => {
    waf.load(image);
    const before = waf.run(MESSAGE).ids;
    expect(before.length).toBeGreaterThan(0);
    for (let at = 0; at < image.length; at += 97) {
      const damaged = image.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      waf.tryLoad(damaged);
    }
    waf.load(image);
    expect(waf.run(MESSAGE).ids).toEqual(before);
  });

  it("with good checksums and hostile contents never make the engine trap", () => {
    const read = readRuleImage(image);
    const length = read.sections.find(({ tag }) => tag === "RULE")?.bytes.length ?? 0;
    const values = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000, length - 1, length, length + 1),
      fc.nat({ max: length }), fc.nat({ max: 300 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: (length >> 2) - 1 }), values), { minLength: 1, maxLength: 4 }), (changes) => {
        const sections = read.sections.map((section) => {
          if (section.tag !== "RULE") return section;
          const bytes = section.bytes.slice();
          for (const [word, value] of changes) new DataView(bytes.buffer).setUint32(word * 4, value >>> 0, true);
          return { ...section, bytes };
        });
        if (waf.tryLoad(writeRuleImage({ ...read, sections }))) waf.run(MESSAGE);
      }),
      { numRuns: 600 },
    );
  });
});
