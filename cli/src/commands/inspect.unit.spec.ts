import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { captureHeader, captureRecord, LinkType } from "@secuxflow/inspect-offline";
import { tinyModule } from "@secuxflow/inspect-offline/testing";
import { tempDir, type TempDir } from "@secuxflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { compileRuleFiles } from "../input/rule-files.js";
import { runCli } from "../testing/run-cli.js";

/** Ethernet, IPv4 and an empty TCP segment to that port. */
function frame(dport: number): Uint8Array {
  const bytes = new Uint8Array(54);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes[17] = 40;
  bytes[23] = 6;
  bytes.set([10, 0, 0, 1, 10, 0, 0, 200], 26);
  bytes.set([0x30, 0x39, dport >> 8, dport & 255], 34);
  bytes[46] = 0x50;
  return bytes;
}

const capture = Buffer.concat([
  captureHeader(LinkType.ETHERNET),
  ...[80, 443, 80].map((dport, i) => captureRecord({ timeNs: BigInt(i) * 1_000_000_000n, wireLength: 54, data: frame(dport) })),
]);

const RULES = [
  'alert tcp any any -> any 80 (msg:"To port 80 \x1b[2J"; flow:to_server; sid:1; rev:7; classtype:web-application-attack;)',
  'alert tcp any any -> any any (msg:"Wrong"; nonsense:1; sid:2;)',
  '# alert tcp any any -> any any (msg:"Off"; sid:3;)',
].join("\n");

let folder: TempDir;
const at = (name: string) => join(folder.path, name);
beforeAll(async () => {
  folder = await tempDir("inspect");
  writeFileSync(at("tiny.wasm"), tinyModule({ http: { hostname: "example.org\x1b[31m" } }, { pkt_src: "stream (flow timeout)" }, "suricata"));
  writeFileSync(at("plain.wasm"), tinyModule({}, {}));
  writeFileSync(at("some.pcap"), capture);
  writeFileSync(at("cut.pcap"), capture.subarray(0, capture.length - 5));
  writeFileSync(at("broken.wasm"), "no module");
  mkdirSync(at("rules/more"), { recursive: true });
  writeFileSync(at("rules/more/a.rules"), RULES);
  writeFileSync(at("rules/README"), "no rules");
  writeFileSync(at("wrong.rules"), "nothing of this is a rule\n");
  mkdirSync(at("empty"));
});
afterAll(() => folder.remove());

/** Runs `inspect`; @NAME stands for a file of the folder. */
const inspect = (line: string) =>
  runCli(["inspect", ...line.split(" ").filter(Boolean).map((word) => (word.startsWith("@") ? at(word.slice(1)) : word))], {
    env: { SECUXFLOW_MODULES: `/nowhere:${folder.path}` },
  });

const events = (stdout: string) =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { pcap_cnt?: number; alert: object; packet?: string });

describe("inspect", () => {
  it("prints one EVE event a line, with the texts of the rules", async () => {
    const { exit, stdout, stderr } = await inspect("--pcap @some.pcap --module tiny --rules @rules -o eve");
    expect(exit).toBe(0);
    expect(events(stdout).map((event) => event.pcap_cnt)).toEqual([1, 3, undefined]);
    expect(events(stdout)[0]).toMatchObject({
      event_type: "alert", src_ip: "10.0.0.1", dest_port: 80, http: { hostname: "example.org\x1b[31m" },
      alert: { signature_id: 1, rev: 7, signature: "To port 80 \x1b[2J", category: "Web Application Attack", severity: 1 },
      packet: Buffer.from(frame(80)).toString("base64"),
    }); // prettier-ignore
    expect(stdout).not.toContain("\x1b");
    expect(stderr).toContain(`${at("rules/more/a.rules")}:2:`);
    expect(stderr).toMatch(/a\.rules:2:\d+ 2 .*nonsense/);
    expect(stderr).toContain("1 rule loaded, 1 refused\n");
  });

  it("tells a summary, all bytes visible", async () => {
    const { exit, stdout } = await inspect("--pcap @some.pcap --module @tiny.wasm --rules @rules/more/a.rules");
    expect(exit).toBe(0);
    expect(stdout).toContain("1970-01-01 00:00:00.000000  tcp 10.0.0.1:12345 -> 10.0.0.200:80");
    expect(stdout).toContain("To port 80 \\x1b[2J");
    expect(stdout).toContain("3 times  1  To port 80");
    expect(stdout).toContain("3 packets (162 B), 2 flows, 3 alerts\n");
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  it("prints one document as JSON or YAML", async () => {
    const wanted = {
      apiVersion: "secuxflow/v1", kind: "Inspection", module: { name: "tiny", version: "1.0.0" }, packets: 3, flows: 2, alerts: 3, drops: 0,
      rules: { loaded: 1, refused: [{ id: 2, line: 2 }] },
    }; // prettier-ignore
    const json = await inspect("--pcap @some.pcap --module tiny --rules @rules -o json --no-bytes");
    expect(JSON.parse(json.stdout)).toMatchObject(wanted);
    expect(json.stdout).not.toContain('"packet"');
    expect(parse((await inspect("--pcap @some.pcap --module tiny --rules @rules -o yaml")).stdout)).toMatchObject(wanted);
  });

  it("takes an image that was compiled before, and only one of the module's language", async () => {
    const { image } = await compileRuleFiles("suricata", [at("rules")]);
    writeFileSync(at("good.sxr"), image);
    writeFileSync(at("bad.sxr"), image.map((byte, i) => (i === image.length >> 1 ? byte ^ 1 : byte)));
    expect(events((await inspect("--pcap @some.pcap --module tiny --rules @good.sxr -o eve")).stdout)).toHaveLength(3);
    expect(await inspect("--pcap @some.pcap --module tiny --rules @bad.sxr")).toMatchObject({ exit: 1, stdout: "" });
    await expect(compileRuleFiles("seclang", [at("good.sxr")])).rejects.toThrow("holds suricata rules");
    expect((await inspect("--pcap @some.pcap --module tiny --rules @good.sxr @rules")).stderr).toContain("stands alone");
  });

  it("prints what was found before the capture ends too early, and fails", async () => {
    const { exit, stdout, stderr } = await inspect("--pcap @cut.pcap --module tiny -o eve");
    expect(events(stdout).map((event) => event.pcap_cnt)).toEqual([1, undefined]);
    expect(exit).toBe(1);
    expect(stderr).toContain("it was cut off");
    const summary = await inspect("--pcap @cut.pcap --module tiny");
    expect([summary.exit, summary.stdout.includes("2 packets")]).toEqual([1, true]);
  });

  it.each([
    ["", 2, "2 values are not valid"],
    ["--pcap @some.pcap --module nowhere", 2, "there is no module nowhere here"],
    ["--pcap @some.pcap --module ./none.wasm", 2, "./none.wasm cannot be read (ENOENT)"],
    ["--pcap @none --module tiny", 2, "none cannot be read (ENOENT)"],
    ["--pcap @some.pcap --module tiny --configure nonsense", 2, '"nonsense" is not key=value'],
    ["--pcap @some.pcap --module tiny --configure b=1", 1, "is refused: "],
    ["--pcap @some.pcap --module @broken.wasm", 1, "is refused: "],
    ["--pcap @broken.wasm --module tiny", 1, "neither pcap nor pcapng"],
    ["--pcap @some.pcap --module tiny --rules @nothing", 2, "nothing cannot be read (ENOENT)"],
    ["--pcap @some.pcap --module tiny --rules @empty", 2, "holds no *.rules files"],
    ["--pcap @some.pcap --module tiny --rules @wrong.rules", 1, "no rule can be executed"],
    ["--pcap @some.pcap --module @plain.wasm --rules @rules", 2, "the module tiny takes no rules"],
    ["--pcap @some.pcap --module tiny -o xml", 2, "--output"],
  ])("%s: exit %i, %s", async (line, exit, message) => {
    const result = await inspect(line);
    expect([result.exit, result.stdout]).toEqual([exit, ""]);
    expect(result.stderr).toContain(message);
  });
});

describe("rule files of SecLang", () => {
  it("finds what rules name beside them, and refuses alone", async () => {
    mkdirSync(at("crs"));
    writeFileSync(at("crs/words.data"), "evil\n");
    writeFileSync(
      at("crs/one.conf"),
      'SecRule ARGS "@pmFromFile words.data" "id:10,phase:2,deny"\nSecRule ARGS "@noSuchOperator" "id:11,phase:2,deny"\n',
    );
    const { loaded, refused } = await compileRuleFiles("seclang", [at("crs")]);
    expect([loaded, refused.map(({ id, line }) => [id, line])]).toEqual([1, [[11, 2]]]);
  });
});
