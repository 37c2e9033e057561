import { BatchBuilder, dissectFrame, Direction, decodeFindings } from "@secuxflow/inspect-abi";
import { compileSecLang } from "@secuxflow/seclang";
import { forModule } from "@secuxflow/rule-image";
import { tcpSession } from "@secuxflow/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { compileEntry, type Compiled } from "../../testing/compile.js";

const RULES = `
SecAction "id:1,phase:1,pass,nolog,setvar:tx.critical=5"
SecRule ARGS "@contains <script" "id:10,phase:2,pass,log,t:none,t:lowercase,msg:'script',severity:CRITICAL,logdata:'%{MATCHED_VAR}',\\
  setvar:'tx.inbound_anomaly_score_pl1=+%{tx.critical}'"
SecRule TX:inbound_anomaly_score_pl1 "@ge 5" "id:20,phase:2,deny,log,msg:'score %{TX.inbound_anomaly_score_pl1}'"
SecRule RESPONSE_BODY "@contains secret" "id:30,phase:4,deny,log,msg:'leak'"`;

let start: () => Compiled;
beforeAll(async () => {
  start = await compileEntry("engine/seclang/waf-entry.ts");
});

function loaded(wasm: Compiled, text = RULES): number {
  const image = forModule(compileSecLang([{ name: "r", text }]).image);
  const at = wasm.call("rules", image.length);
  wasm.write(at, image);
  return wasm.call("load", at, image.length);
}

function inspect(wasm: Compiled, port: number, turns: { from: "client" | "server"; data: string }[], end: "fin" | "none" = "fin") {
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 512, maxBytes: 1 << 20 });
  const session = tcpSession({
    client: { ip: "10.0.0.1", port },
    server: { ip: "10.0.0.2", port: 8080 },
    turns: turns.map(({ from, data }) => ({ from, data: Buffer.from(data, "latin1") })),
    end,
  });
  builder.setTimeBase(1_767_225_600_000_000_000n);
  for (const { frame, from } of session) {
    const fields = dissectFrame(frame);
    fields.direction = from === "client" ? Direction.TO_SERVER : Direction.TO_CLIENT;
    expect(builder.append(fields, frame)).toBe(true);
  }
  const records = builder.count;
  const batch = builder.finish();
  const at = wasm.call("input", batch.length);
  wasm.write(at, batch);
  const length = wasm.call("inspect", at, batch.length);
  expect(length).toBeGreaterThan(0);
  return decodeFindings(wasm.read(wasm.call("output"), length), { records, maxFindings: 4096,
    maxAttributeBytes: 1 << 20 }).findings;
}

const request = "GET /?q=%3CSCRIPT HTTP/1.1\r\nHost: a.example\r\n\r\n";
const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe("the waf on packets", () => {
  it("alerts with score, parts and exclusion", () => {
    const wasm = start();
    expect(loaded(wasm)).toBe(0);
    const findings = inspect(wasm, 40_000, [{ from: "client", data: request }, { from: "server", data: answer("ok") }]);
    expect(findings.map(({ ruleId, noAlert }) => [ruleId, noAlert])).toEqual([[10, true], [20, false]]);
    expect(findings[1]?.attributes).toMatchObject({ message: "score 5", score: 5, "score.parts": "10:5",
      exclusion: 'SecRuleUpdateTargetById 10 "!ARGS:q"' });
    expect(findings[1]?.attributes).toMatchObject({ "match.location": "ARGS:q", "request.line": "GET /?q=%3CSCRIPT HTTP/1.1",
      "http.host": "a.example" });
  });

  it("inspects further requests of a connection, and responses", () => {
    const wasm = start();
    loaded(wasm);
    const plain = "GET /?q=x HTTP/1.1\r\nHost: a\r\n\r\n";
    const findings = inspect(wasm, 40_001, [
      { from: "client", data: plain }, { from: "server", data: answer("fine") },
      { from: "client", data: plain }, { from: "server", data: answer("a secret") },
      { from: "client", data: request },
    ]);
    expect(findings.map(({ ruleId }) => ruleId)).toEqual([30, 10, 20]);
  });

  it("says nothing of what is not HTTP", () => {
    const wasm = start();
    loaded(wasm);
    expect(inspect(wasm, 40_002, [{ from: "client", data: "\x16\x03\x01\x02\x00<script" }])).toEqual([]);
  });

  it("keeps its rules when others are refused, and swaps them between batches", () => {
    const wasm = start();
    loaded(wasm);
    const at = wasm.call("rules", 64);
    wasm.write(at, new Uint8Array(64));
    expect(wasm.call("load", at, 64)).toBeLessThan(0);
    expect(inspect(wasm, 40_003, [{ from: "client", data: request }]).map(({ ruleId }) => ruleId)).toEqual([10, 20]);
    expect(loaded(wasm, 'SecRule ARGS "@rx ." "id:5,phase:1,pass"')).toBe(0);
    expect(inspect(wasm, 40_004, [{ from: "client", data: request }]).map(({ ruleId }) => ruleId)).toEqual([5]);
  });

  it("gives back what requests took", () => {
    const wasm = start();
    loaded(wasm);
    const round = (from: number): number => {
      for (let i = 0; i < 20; i++) inspect(wasm, from + i, [{ from: "client", data: request }, { from: "server",
        data: answer("a secret") }]);
      return wasm.call("transactionsAlive");
    };
    round(41_000);
    expect(round(42_000)).toBeLessThanOrEqual(40);
  });

  it("gives back all that a connection took when both sides have closed it", () => {
    const wasm = start();
    loaded(wasm);
    const body = JSON.stringify({ text: "x".repeat(60_000) });
    const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const turns = [0, 30_000, 60_000].map((at) => ({ from: "client" as const, data: post.slice(at, at + 30_000) })).filter(({ data }) => data !== "");
    const used = (port: number): number => {
      inspect(wasm, port, turns);
      return wasm.call("memoryUsed");
    };
    used(41_000);
    const before = used(41_001);
    for (let i = 2; i < 12; i++) used(41_000 + i);
    // What is left of each is the state of TCP, so that late packets are not taken for a new conversation.
    expect(used(41_012) - before).toBeLessThan(11 * 512);
    expect(wasm.call("transactionsAlive")).toBe(0);
  });

  it("counts HTTP, encrypted and other flows", () => {
    const wasm = start();
    loaded(wasm);
    inspect(wasm, 42_000, [{ from: "client", data: request }]);
    inspect(wasm, 42_001, [{ from: "client", data: "\x16\x03\x01\x00\x10\x01\x00\x00\x0c\x03\x03aaaaaaaaaaaa" }]);
    inspect(wasm, 42_002, [{ from: "client", data: "\x00\x01\x02\x03" }]);
    const bytes = Buffer.from(wasm.read(wasm.call("counters"), 56));
    const counters = Array.from({ length: 7 }, (_, i) => Number(bytes.readBigUInt64LE(i * 8)));
    expect(counters).toEqual([1, 1, 1, 1, 0, 0, 0]);
  });

  it("ends flows that are old when memory is short, and goes on finding", () => {
    const wasm = start();
    loaded(wasm);
    const configuration = Buffer.from("memory=16777216\n");
    const at = wasm.call("input", configuration.length);
    wasm.write(at, configuration);
    expect(wasm.call("configure", at, configuration.length)).toBe(0);
    const waits = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n" + "x".repeat(28_000);
    for (let i = 0; i < 700; i++) inspect(wasm, 43_000 + i, [{ from: "client", data: waits }], "none");
    expect(wasm.call("memoryUsed")).toBeLessThan(16 << 20);
    expect(inspect(wasm, 45_000, [{ from: "client", data: request }]).map(({ ruleId }) => ruleId)).toEqual([10, 20]);
  }, 30_000);

  it("says so when a request costs more than it may, and judges what was found", () => {
    const wasm = start();
    loaded(wasm, `${RULES}\nSecRule ARGS "@rx z{3}" "id:40,phase:2,pass,log,t:none,t:urlDecodeUni,t:lowercase,msg:'z'"`);
    const configuration = Buffer.from("steps=300\n");
    const at = wasm.call("input", configuration.length);
    wasm.write(at, configuration);
    expect(wasm.call("configure", at, configuration.length)).toBe(0);
    const long = `GET /?q=%3CSCRIPT&r=${"zY".repeat(2_000)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const findings = inspect(wasm, 44_000, [{ from: "client", data: long }]);
    expect(findings.map(({ ruleId }) => ruleId)).toContain(0);
    expect(findings.find(({ ruleId }) => ruleId === 0)?.attributes.message).toMatch(/steps/);
  });
});
