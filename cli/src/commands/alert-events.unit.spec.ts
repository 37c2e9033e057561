import { readCapture } from "@secuxflow/inspect-offline";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import * as documents from "../testing/documents.js";
import { FakeApi } from "../testing/fake-api.js";
import { runCli, type RunOptions } from "../testing/run-cli.js";

let api: FakeApi;
beforeAll(async () => void (api = await FakeApi.start()));
beforeEach(() => api.reset());
afterAll(() => api.stop());

const cli = (line: string, options: RunOptions = {}) => runCli(line.split(" "), { ...options, env: { SECUXFLOW_API: api.url } });
const PARTS = "GET /v1/alerts/detections";
const lines = (stdout: string) =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const detection = (id: string) => ({ ...documents.eveDetection, id, attributes: { message: id }, rule: { id: 1, name: id, category: "c" } });
const names = (stdout: string) => lines(stdout).map(({ alert }) => (alert as { signature: string }).signature);
const packetsOf = (bytes: Uint8Array) => [...readCapture([bytes])].map((packet) => ({ ...packet, data: packet.data.slice() }));

describe("alert export", () => {
  it("prints events that other tools read", async () => {
    const { exit, stdout, stderr } = await cli("alert export --since 24h");
    expect([exit, stderr]).toEqual([0, ""]);
    expect(Object.fromEntries(api.seen.find(({ path }) => path.endsWith("detections"))?.query ?? [])).toEqual({
      after: "0", sinceMs: "86400000", limit: "500",
    }); // prettier-ignore
    const [plain, eve] = lines(stdout);
    expect(eve).toMatchObject({
      timestamp: "2026-11-22T11:58:00.000001+0000", event_type: "alert", src_ip: "10.1.0.9", src_port: 51_234, dest_ip: "10.2.0.5",
      dest_port: 80, proto: "TCP", in_iface: documents.agentList.items[0]?.interfaces.find(({ ifindex }) => ifindex === 2)?.name,
      community_id: expect.stringMatching(/^1:.{27}=$/) as string, app_proto: "http", http: { hostname: "shop.example", status: 200 },
      flow: { pkts_toserver: 3 },
      alert: {
        action: "allowed", gid: 1, signature_id: 9_000_101, rev: 4, signature: "Log4Shell in a request",
        category: "Attempted Administrator Privilege Gain", severity: 1, metadata: { cve: ["CVE-2021-44228"] },
      },
      payload_printable: "GET /?q=${jndi:ldap://x} HTTP/1.1\r\n\r\n", packet: documents.eveDetection.packet, packet_info: { linktype: 1 },
      secuxflow: { module: "ips", inspector: "insp-1" },
    }); // prettier-ignore
    // An older inspector knows nothing of EVE; what it knows is told.
    expect(plain).toMatchObject({ event_type: "alert", alert: { signature: "SQL injection", rev: 0 }, community_id: eve?.community_id });
    expect(stdout).not.toContain("\x1b");
    expect((await cli("alert export --no-bytes")).stdout).not.toMatch(/"payload|"packet/);
    expect((await cli("alert export -o eve")).stdout).toBe(stdout);
    expect(parseAllDocuments((await cli("alert export -o yaml")).stdout)).toHaveLength(2);
  });

  it("asks for part after part", async () => {
    api.routes.set(PARTS, ({ query }, response) => {
      const after = Number(query.get("after"));
      const body = { ...documents.detectionList, items: [detection(`e${after}`)], next: after + 7, more: after < 14 };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    expect(names((await cli("alert export")).stdout)).toEqual(["e0", "e7", "e14"]);
  });

  it("follows from the end on, over a lost connection, until Ctrl-C, and leaves nothing out", async () => {
    const asked: string[] = [];
    const stop = new AbortController();
    let calls = 0;
    api.routes.set(PARTS, (request, response) => {
      const { query } = request;
      asked.push(`${query.get("after") ?? ""}/${query.get("limit") ?? ""}`);
      const answer = (items: object[], next: number) =>
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...documents.detectionList, items, next, more: false }));
      if (query.get("limit") === "0") return void answer([], 40);
      calls++;
      if (calls === 2) return void response.destroy();
      if (calls === 3) {
        const problem = { type: "about:blank", title: "away", status: 503, code: "alerting_unavailable", detail: "away" };
        return void response.writeHead(503, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
      }
      if (calls === 5) stop.abort();
      return void answer(calls === 1 ? [] : [detection(`e${calls}`)], 40 + calls);
    });
    const { exit, stdout, stderr } = await cli("alert export --follow", { signal: stop.signal });
    expect(exit).toBe(0);
    expect(names(stdout)[0]).toBe("e4");
    expect(asked.slice(0, 5)).toEqual(["/0", "40/500", "41/500", "41/500", "41/500"]);
    expect(stderr).toContain("connected again");
  });

  it("fails at once where the API is away from the start", async () => {
    const { exit, stdout } = await runCli(["alert", "export", "--follow"], { env: { SECUXFLOW_API: "http://127.0.0.1:1" } });
    expect([exit, stdout]).toEqual([1, ""]);
  });
});

describe("alerts as EVE", () => {
  it("lists each by its newest event, and shows all events of one", async () => {
    api.routes.set("GET /v1/alerts/17", { ...documents.alertShown, detections: [detection("new"), detection("old")] });
    api.routes.set("GET /v1/alerts/16", { ...documents.alertShown, detections: [] });
    expect(names((await cli("alert list -o eve")).stdout)).toEqual(["new"]);
    expect(names((await cli("alert show 17 -o eve")).stdout)).toEqual(["old", "new"]);
  });

  it("shows what a module tells in EVE's terms, all bytes visible", async () => {
    api.routes.set("GET /v1/alerts/17", { ...documents.alertShown, detections: [documents.eveDetection] });
    const { stdout } = await cli("alert show 17");
    for (const part of ["GET /?q=${jndi:ldap://x\\x1b[31m}", "shop.example", "protocol", "payload 37 bytes"]) expect(stdout).toContain(part);
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    for (const eve of ["[", "[]", '{"http":7,"dns":{"queries":[null]},"files":{}}', '{"tls":{"ja3":1,"sni":["x"]}}']) {
      api.routes.set("GET /v1/alerts/17", { ...documents.alertShown, detections: [{ ...documents.eveDetection, eve }] });
      expect((await cli("alert show 17")).exit).toBe(0);
    }
  });
});

describe("packets of an alert", () => {
  const frame = Buffer.from(documents.eveDetection.packet ?? "", "base64");

  it("come as a capture, to stdout", async () => {
    const { packet: _none, ...bare } = documents.eveDetection;
    api.routes.set(PARTS, { ...documents.detectionList, items: [documents.eveDetection, bare] });
    const { exit, stdout, stderr } = await cli("alert pcap 17");
    expect(exit).toBe(0);
    expect(packetsOf(Uint8Array.from(Buffer.from(stdout, "latin1")))).toEqual([
      { timeNs: BigInt(Date.parse("2026-11-22T11:58:00Z")) * 1_000_000n + 1_000n, linkType: 1, wireLength: 1_500, data: new Uint8Array(frame) },
    ]);
    expect(stderr).toContain("of 1 detection more the packet is not kept");
    expect(api.seen[0]?.query.get("alertId")).toBe("17");
  });

  it("come into a file, beside what is shown", async () => {
    const { exit, stdout, written } = await cli("alert show 17 --pcap out.pcap");
    expect([exit, stdout.includes("alert 17")]).toEqual([0, true]);
    expect(packetsOf(Uint8Array.from(written.get("out.pcap") ?? []))).toHaveLength(2);
  });

  it("are not written to a terminal, and where none is kept that is said", async () => {
    expect(await cli("alert pcap 17", { columns: 80 })).toMatchObject({ exit: 2, stdout: "" });
    api.routes.set(PARTS, { ...documents.detectionList, items: [] });
    const { exit, stdout, stderr } = await cli("alert pcap 17");
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("no packet of alert 17 is kept");
    expect((await cli("alert pcap")).exit).toBe(2);
  });
});
