import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostileText } from "../../testing/arbitraries.js";
import { oneLine, summaryOf } from "./summary.js";

describe("summaries", () => {
  it.each([
    [{ message: "SQL injection in args.q" }, "SQL injection in args.q"],
    [{ message: Buffer.from("naïve – “x”").toString("latin1") }, "naïve – “x”"],
    [{ "match.data": "1' OR '1'='1", "match.location": "args.q" }, "rule: 1' OR '1'='1 in args.q"],
    [{ "http.uri": "/a\x1b[31m\r\n" }, "rule: /a\\x1b[31m\\x0d\\x0a"],
    [{ "match.data": "\xff\xfe" }, "rule: ÿþ"],
    [{}, "rule"],
    [{ message: "" }, "rule"],
    [{ message: "rule", "match.data": "/../", "match.location": "uri" }, "rule: /../ in uri"],
    [{ message: "rule" }, "rule"],
  ])("%j is %j", (attributes, wanted) => expect(summaryOf("rule", attributes as Record<string, string>)).toBe(wanted));

  it("are one short line that controls no terminal and hides no text, whatever was in the packet", () => {
    fc.assert(
      fc.property(
        hostileText(100),
        fc.dictionary(
          fc.constantFrom("message", "match.data", "match.location", "http.uri", "__proto__", "toString"),
          hostileText(400),
        ),
        (name, attributes) => {
          const text = summaryOf(name, attributes);
          expect(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)).toBe(false);
          expect([...text].length).toBeLessThanOrEqual(200);
        },
      ),
    );
  });

  it("leave ordinary text alone", () => {
    expect(oneLine("Grüße, 世界 😀")).toBe("Grüße, 世界 😀");
    expect(oneLine("x".repeat(300)).endsWith("x…")).toBe(true);
  });
});
