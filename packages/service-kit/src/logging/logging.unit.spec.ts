import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogger, type LoggerOptions } from "./logger.js";
import { NestLogger } from "./nest-logger.js";
import { createRedactor, REDACTED } from "./redact.js";
import { formatRecord, printable } from "./text-format.js";

function capture(options: Partial<LoggerOptions> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const logger = createLogger({
    service: "test",
    instance: "test-1",
    format: "json",
    out: { write: (text) => out.push(text) },
    err: { write: (text) => err.push(text) },
    ...options,
  });
  const records = (lines: string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger, out, err, records };
}

describe("createRedactor", () => {
  it("takes a secret out wherever it is, also escaped", () => {
    const redact = createRedactor(['pa"ss\\word', "tok/en+1"]);
    expect(redact(JSON.stringify({ a: 'x pa"ss\\word y' }))).toBe(`{"a":"x ${REDACTED} y"}`);
    expect(redact("https://h/?t=tok%2Fen%2B1&u=tok/en+1")).toBe(`https://h/?t=${REDACTED}&u=${REDACTED}`);
  });

  it("takes the credentials out of URLs", () => {
    expect(createRedactor()("nats://user:pass@a:4222, tls://token@b and http://c/d@e")).toBe(
      `nats://${REDACTED}@a:4222, tls://${REDACTED}@b and http://c/d@e`,
    );
  });

  it("leaves nothing of a secret that contains another", () => {
    expect(createRedactor(["abcd", "abcdefgh"])("abcdefgh abcd")).toBe(`${REDACTED} ${REDACTED}`);
  });

  it("never lets a secret through a log line", () => {
    const secretText = fc.string({ minLength: 8, maxLength: 20 }).filter((text) => text.trim() === text && !REDACTED.includes(text));
    fc.assert(
      fc.property(secretText, fc.string(), fc.string(), (secret, before, after) => {
        const { logger, out } = capture({ redact: createRedactor([secret]) });
        logger.info({ detail: before + secret + after }, "message");
        const detail = (JSON.parse(out[0] ?? "{}") as { detail: string }).detail;
        expect(detail).not.toContain(secret);
      }),
    );
  });
});

describe("createLogger", () => {
  it("writes JSON with service, instance and time; warnings and worse to the other stream", () => {
    const { logger, out, err, records } = capture();
    logger.debug("not shown");
    logger.info({ rule: 7 }, "applied");
    logger.warn("careful");
    logger.error({ err: new Error("broken") }, "failed");
    expect(records(out)).toEqual([expect.objectContaining({ level: 30, service: "test", instance: "test-1", rule: 7, msg: "applied" })]);
    expect(records(err)).toEqual([
      expect.objectContaining({ level: 40, msg: "careful" }),
      expect.objectContaining({ level: 50, msg: "failed", err: expect.objectContaining({ message: "broken" }) as unknown }),
    ]);
    expect(out[0]).toMatch(/"time":"\d{4}-\d\d-\d\dT[\d:.]+Z"/);
  });

  it("hides fields that are secret by their name, at the top and one level down", () => {
    const { logger, out } = capture();
    logger.info({ password: "one", nats: { token: "two", user: "u" } }, "x");
    expect(out[0]).not.toMatch(/one|two/);
    expect(out[0]).toContain('"user":"u"');
  });

  it("writes text on a terminal and when asked to", () => {
    const lines: string[] = [];
    const sink = { write: (text: string) => lines.push(text), isTTY: true };
    capture({ format: "auto", out: sink }).logger.info({ rule: 7, name: "two words" }, "applied");
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}test applied rule=7 name="two words"\n$/);
    const { logger, err } = capture({ format: "text" });
    logger.error({ err: new TypeError("broken\nbadly"), context: "Rules" }, "failed");
    expect(err[0]).toMatch(/ERROR test \[Rules\] failed TypeError: broken\\nbadly \(at .*\)\n$/);
  });
});

describe("text format", () => {
  it("is one line without control characters, whatever is logged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (key, value) => {
        const line = formatRecord(JSON.stringify({ level: 30, time: "x", service: "s", msg: value, [`k${key}`]: value, o: { [key]: value } }), false);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      }),
    );
  });

  it("shows what is no JSON as it is, made safe", () => expect(formatRecord("plain \u001b[2J\n", true)).toBe("plain \\x1b[2J"));
  it("shows escapes short", () => expect(printable("a\tb\r\n\u202ec")).toBe("a\\tb\\r\\n\\u202ec"));
});

describe("NestLogger", () => {
  it("takes the last text as the context, an Error as the error, and quiets Nest's own wiring", () => {
    const { logger, out, err, records } = capture({ level: "trace" });
    const nest = new NestLogger(logger);
    nest.log("Mapped {/x, GET} route", "RouterExplorer");
    nest.log("hello", { rule: 1 }, "Rules");
    nest.verbose({ rule: 2 });
    nest.warn("odd");
    nest.error("failed", "Error: x\n    at y (z:1)", "Rules");
    nest.error(new Error("thrown"), "Rules");
    nest.fatal("over");
    nest.debug("detail", "Rules");
    expect(records(out)).toEqual([
      expect.objectContaining({ level: 20, context: "RouterExplorer" }),
      expect.objectContaining({ level: 30, context: "Rules", msg: "hello", details: [{ rule: 1 }] }),
      expect.objectContaining({ level: 10, rule: 2 }),
      expect.objectContaining({ level: 20, msg: "detail" }),
    ]);
    expect(records(err)).toEqual([
      expect.objectContaining({ level: 40, msg: "odd" }),
      expect.objectContaining({ level: 50, msg: "failed", stack: expect.stringContaining("at y") as unknown, context: "Rules" }),
      expect.objectContaining({ level: 50, msg: "thrown", context: "Rules", err: expect.objectContaining({ message: "thrown" }) as unknown }),
      expect.objectContaining({ level: 60, msg: "over" }),
    ]);
  });
});
