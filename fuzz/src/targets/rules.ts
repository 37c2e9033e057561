/** The rule compilers: whatever the text, they refuse with line and reason or give an image that the engine takes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";
import { openRuleSet } from "@secuxflow/rule-image";
import { compileSecLang } from "@secuxflow/seclang";
import { compileSuricata } from "@secuxflow/suricata-rules";
import { compileEntry, type Compiled } from "@secuxflow/wasm";
import { textOf, textStep, type Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { SECLANG } from "./seclang-seeds.js";

interface Refusal {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

interface Compilation {
  readonly rules: readonly unknown[];
  readonly refused: readonly Refusal[];
  readonly image: Uint8Array;
}

/** Gives an image to a module; what it answers. */
export function load(wasm: Compiled, image: Uint8Array): number {
  const at = wasm.call("rules", image.length);
  if (at === 0) return -1;
  wasm.write(at, image);
  return wasm.call("load", at, image.length);
}

class RulesSubject implements Subject {
  constructor(private readonly wasm: Compiled, private readonly compile: (text: string) => Compilation) {}

  check(input: Input, reached: Reached): string | undefined {
    const text = input.map(textOf).join("\n");
    const { rules, refused, image } = this.compile(text);
    const lines = text.split("\n").length;
    for (const { line, column, reason } of refused) {
      reached(reason.replace(/"[^"]*"|\d+/g, "#").slice(0, 80));
      if (!(line >= 1 && line <= lines + 1 && column >= 1)) return `a refusal is at ${line}:${column} of ${lines} lines: ${reason}`;
      if (reason.trim().length < 4) return "a refusal without a reason";
    }
    reached(`${rules.length} ${refused.length}`);
    const { image: forModule } = openRuleSet(image);
    const code = load(this.wasm, forModule);
    return code === 0 ? undefined : `the engine answers ${code} to the compiler's image of ${rules.length} rules`;
  }
}

/** The rules that come with ips, a line a rule. */
export function ipsRules(): string[] {
  const folder = join(repoRoot(), "wasm/modules/ips/rules");
  return readdirSync(folder).filter((name) => name.endsWith(".rules")).sort()
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n")).filter((line) => line.startsWith("alert"));
}

const RULES = [
  'alert tcp $HOME_NET any -> any 80 (msg:"a"; flow:established,to_server; content:"x"; http.uri; content:"/y"; distance:1; within:20; pcre:"/z+/Ri"; sid:1; rev:2;)',
  'alert dns any any -> any any (msg:"b"; dns.query; content:"evil.test"; nocase; endswith; dotprefix; sid:2;)',
  'drop tls any any -> any any (tls.sni; content:"x"; bsize:>3; ja3.hash; content:"0123"; flowbits:set,a; threshold:type limit,track by_src,count 1,seconds 60; sid:3;)',
  'alert udp any ![80,443:500] <> [10.0.0.0/8,!10.1.0.0/16] any (byte_test:2,>,100,0,relative; byte_jump:4,0,little; byte_extract:1,0,n; content:"|00 01|"; depth:n; isdataat:!10,relative; sid:4;)',
  'alert http any any -> any any (http.method; content:"GET"; file.data; content:"a"; base64_decode:bytes 10; base64_data; content:"b"; flowint:c,+,1; xbits:set,d,track ip_src,expire 5; sid:5;)',
  'alert ip any any -> any any (ttl:<5; ipopts:rr; fragbits:M+; icmp_id:1; dsize:10<>20; flags:S,12; window:!5; sameip; sid:6;)',
];

const WORDS = ["content:\"", "\";", "pcre:\"/", "/i\";", "nocase;", "depth:", "within:", "sid:", "any", "->", "<>", "[", "]", "!", "$HOME_NET", "(", ")", ";", ":", ",", "\"", "\\", "|00|", "http.uri;", "dns.query;",
  "tls.sni;", "flowbits:isset,", "threshold:", "byte_test:", "byte_math:", "isdataat:", "fast_pattern;", "bsize:", "dataset:", "iprep:", "lua:", "file.data;", "to_md5;", "xor:", "from_base64:", "4294967296", "-1", "0"];

export const rulesTarget: TargetMaker = async () => {
  const make = await compileEntry("engine/detect/fuzz-entry.ts");
  const own = ipsRules();
  const seeds = [...RULES, ...own.filter((_, i) => i % 6 === 0)].map((rule): Input => [textStep(0, rule)]);
  return {
    name: "rules", seeds, words: WORDS.map((word) => Uint8Array.from(Buffer.from(word))), kinds: [0], most: 4_000, steps: 6,
    fresh: () => new RulesSubject(make(), (text) => compileSuricata([{ name: "fuzz.rules", text }])),
  };
};

const SECLANG_WORDS = ["SecRule ", "SecAction ", "ARGS", "REQUEST_HEADERS:", "&", "!", "|", "\"@rx ", "\"@pm ", "@validateByteRange ", "@ipMatch ", "t:none", "t:urlDecodeUni,", "chain", "ctl:", "setvar:tx.", "%{tx.",
  "capture", "id:", ",", "'", "\"", "\\\n", "phase:", "skipAfter:", "SecMarker ", "XML:/*", "/^a/", "pass", "block", "deny", "msg:'", "logdata:'", "severity:", "expirevar:", "initcol:"];

export const seclangTarget: TargetMaker = async () => {
  const make = await compileEntry("engine/seclang/fuzz-entry.ts");
  return {
    name: "seclang", seeds: SECLANG.map((text): Input => [textStep(0, text)]), words: SECLANG_WORDS.map((word) => Uint8Array.from(Buffer.from(word))), kinds: [0], most: 4_000, steps: 6,
    fresh: () => new RulesSubject(make(), (text) => compileSecLang([{ name: "fuzz.conf", text }], { read: () => undefined })),
  };
};
