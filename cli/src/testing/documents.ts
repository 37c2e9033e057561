import type {
  AgentList,
  Alert,
  AlertApproved,
  AlertList,
  AlertShown,
  DetectionList,
  Enforcement,
  ForwardList,
  ModuleChanged,
  ModuleDetail,
  ModuleList,
  ModuleShown,
  Problem,
  ProtectionChanged,
  ProtectionShown,
  RuleAdded,
  RuleList,
  RulesImported,
  ServiceAdded,
  ServiceList,
  SetAdded,
  SetEntriesChanged,
  SetList,
  SetShown,
  StatsSnapshot,
  SuggestionShown,
  SystemStatus,
  TopTalkers,
} from "@secuxflow/contracts";

/** Documents as the API sends them, for tests. Times lie around NOW. */
export const NOW = Date.parse("2026-11-22T12:00:00.000Z");
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1_000).toISOString();
const head = <K extends string>(kind: K) => ({ apiVersion: "secuxflow/v1" as const, kind });

export const inForce: Enforcement = { revision: 12, agents: 1, active: 1, pending: [], waitedMs: 6.2 };
export const pending: Enforcement = { revision: 12, agents: 2, active: 1, pending: ["edge-2"], waitedMs: 5_000 };

const rule = {
  id: 7,
  src: "192.168.1.0/24",
  dst: "10.0.0.5",
  port: 80,
  proto: "tcp",
  action: "drop" as const,
  priority: 1_000,
  comment: "port scan",
  owner: "alice",
  tags: ["incident-42"],
  createdAt: at(3_600),
  expiresAt: new Date(NOW + 600_000).toISOString(),
};
export const ruleAdded: RuleAdded = { ...head("RuleAdded"), rule, enforcement: inForce, warnings: [] };
export const ruleList: RuleList = {
  ...head("RuleList"),
  revision: 12,
  items: [
    { ...rule, packets: 12_345, bytes: 1_572_864, lastHit: at(180), activeOn: 1, agents: 1 },
    {
      id: 9,
      src: "2001:db8::1",
      dst: "any",
      proto: "any",
      action: "pass",
      priority: 2_000,
      tags: [],
      createdAt: at(60),
      packets: 0,
      bytes: 0,
      activeOn: 0,
      agents: 1,
    },
  ],
};
const forward = {
  id: 3,
  src: "any",
  dst: "10.0.0.0/24",
  port: 443,
  proto: "tcp",
  module: "ips",
  snaplen: 9_216,
  createdAt: at(60),
};
export const forwardAdded = { ...head("ForwardAdded"), forward, enforcement: inForce, warnings: [] };
export const forwardList: ForwardList = {
  ...head("ForwardList"),
  revision: 12,
  items: [{ ...forward, packets: 5, bytes: 700, lastHit: at(1), activeOn: 1, agents: 1 }],
};
export const removed = (what: "rule" | "forward", ids: number[], enforcement = inForce) => ({
  ...head("Removed"),
  what,
  ids,
  enforcement,
});
export const moduleList: ModuleList = {
  ...head("ModuleList"),
  items: [
    {
      name: "ips",
      version: "0.1.0",
      digest: `sha256:${"ab".repeat(32)}`,
      title: "Intrusion prevention",
      bit: 0,
      inspectors: 1,
      forwards: 1,
      state: "running",
    },
  ],
};
const sensorDigest = `sha256:${"cd".repeat(32)}`;
const rulesDigest = `sha256:${"ef".repeat(32)}`;
const signature = { keyId: "0123456789abcdef", value: `${"A".repeat(86)}==` };
/** A module with everything that can be told of one. */
export const moduleDetail: ModuleDetail = {
  name: "ips",
  version: "0.1.0",
  digest: `sha256:${"ab".repeat(32)}`,
  title: "Intrusion prevention",
  bit: 0,
  inspectors: 2,
  forwards: 1,
  state: "running",
  failMode: "closed",
  rules: "builtin",
  ruleLanguage: "suricata",
  canaryShare: 1_000,
  enabled: true,
  active: {},
  previous: [{ version: sensorDigest }],
  canary: { choice: { rules: rulesDigest }, share: 1_000, startedAt: at(120) },
  settings: { midstream: "1" },
  rolledBack: { reason: "inspector insp-1: rejected: module trapped in load: unreachable", at: at(3_600) },
  versions: [{ version: "0.2.0", digest: sensorDigest, title: "Intrusion prevention", ruleLanguage: "suricata", signature, publishedAt: at(7_200), bytes: 945_565 }],
  ruleSets: [
    { digest: `sha256:${"12".repeat(32)}`, language: "suricata", rules: 13_500, refused: 12, publishedAt: at(86_400), bytes: 9_437_184 },
    { digest: rulesDigest, language: "suricata", rules: 13_617, refused: 3, comment: "emerging threats", signature, publishedAt: at(180), bytes: 9_500_000 },
  ],
  on: [
    { inspectorId: "insp-1", version: "0.1.0", digest: `sha256:${"ab".repeat(32)}`, state: "running", strikes: 1, rules: "builtin", canary: "running" },
    {
      inspectorId: "insp-2", version: "0.1.0", digest: `sha256:${"ab".repeat(32)}`, state: "running", strikes: 0, rules: "builtin", canary: "failed",
      problem: "untrusted: no key is trusted here: name PEM files in modules.trustedKeys",
    },
  ],
};
export const moduleShown: ModuleShown = { ...head("Module"), revision: 12, module: moduleDetail };
export const moduleChanged: ModuleChanged = {
  ...head("ModuleChanged"),
  name: "ips",
  digest: rulesDigest,
  module: { ...moduleDetail, on: moduleDetail.on.slice(0, 1) },
  enforcement: { revision: 13, inspectors: 1, active: 1, pending: [], waitedMs: 41.5 },
  warnings: [],
};
const setView = {
  name: "blocklist",
  comment: "from abuse desks",
  entries: 3,
  usedByRules: [7],
  usedByForwards: [],
  activeOn: 1,
  agents: 1,
};
export const setList: SetList = { ...head("SetList"), revision: 12, items: [setView] };
export const setShown: SetShown = {
  ...head("Set"),
  revision: 12,
  set: setView,
  entries: ["198.51.100.0/24", "2001:db8:bad::/48", "203.0.113.7"],
};
export const setAdded: SetAdded = { ...head("SetAdded"), name: "blocklist", entries: 2, enforcement: inForce, warnings: [] };
export const setChanged: SetEntriesChanged = {
  ...head("SetEntriesChanged"),
  name: "blocklist",
  added: 2,
  removed: 0,
  entries: 5,
  enforcement: inForce,
  warnings: [],
};
export const rulesImported: RulesImported = {
  ...head("RulesImported"),
  added: 2,
  removed: 0,
  firstId: 10,
  enforcement: inForce,
  warnings: [],
};
const service = {
  name: "shop",
  address: "10.0.0.5",
  port: 80,
  proto: "tcp" as const,
  backends: [
    { address: "10.1.0.2", port: 8_080, weight: 1 },
    { address: "10.1.0.3", port: 8_080, weight: 2 },
  ],
  container: "shop",
  inspect: ["ips", "waf"],
  comment: "the shop",
  createdAt: at(60),
};
export const serviceAdded: ServiceAdded = { ...head("ServiceAdded"), service, enforcement: inForce, warnings: [] };
export const serviceList: ServiceList = {
  ...head("ServiceList"),
  revision: 12,
  items: [
    {
      ...service,
      usedByRules: [7],
      on: [
        {
          agentId: "edge-1",
          state: "degraded",
          backends: [
            { address: "10.1.0.2", port: 8_080, healthy: true, path: "redirect", iface: "veth1" },
            { address: "10.1.0.3", port: 8_080, healthy: false, path: "stack", problem: "no neighbour" },
          ],
          redirected: { packets: 1_200, bytes: 1_048_576 },
          stack: { packets: 3, bytes: 300 },
          returned: { packets: 900, bytes: 524_288 },
          flows: 40,
          lastHit: at(2),
        },
      ],
      activeOn: 1,
      agents: 1,
    },
  ],
};
export const deleted = (what: "set" | "service", name: string) => ({ ...head("Deleted"), what, name, enforcement: inForce });
export const protection: ProtectionShown = {
  ...head("Protection"),
  revision: 12,
  protection: { synCookies: "auto", synRate: 10_000, establishedPass: false, perSource: { rate: 5_000, burst: 10_000 } },
  on: [
    {
      agentId: "edge-1",
      synCookiesActive: true,
      synRate: 52_000,
      syns: 900_000,
      cookiesSent: 800_000,
      cookiesValid: 1_200,
      cookiesInvalid: 7,
      overSourceLimit: { packets: 5_000, bytes: 300_000 },
      establishedPassed: { packets: 0, bytes: 0 },
    },
  ],
};
export const protectionChanged: ProtectionChanged = {
  ...head("ProtectionChanged"),
  protection: protection.protection,
  enforcement: inForce,
  warnings: [],
};
export const topTalkers: TopTalkers = {
  ...head("TopTalkers"),
  at: at(0),
  windowMs: 10_000,
  agents: 1,
  items: [
    { address: "203.0.113.7", packets: 120_000, bytes: 12_500_000, agents: ["edge-1"] },
    { address: "2001:db8::9", packets: 10, bytes: 1_500, agents: ["edge-1"] },
  ],
};
const agent: AgentList["items"][number] = {
  agentId: "edge-1",
  policy: "default",
  host: "edge",
  version: "0.1.0",
  pid: 1,
  startedAt: at(600),
  at: at(1),
  revision: 12,
  state: "ok",
  problems: [],
  interfaces: [{ name: "eth0", ifindex: 2, mode: "native" }],
  rules: 2,
  forwards: 1,
  kernel: "6.18",
  capacity: { rules: 131_072, forwards: 64 },
  live: true,
  behind: 0,
};
const silent: AgentList["items"][number] = {
  ...agent,
  agentId: "edge-2",
  live: false,
  behind: 3,
  revision: 9,
  at: at(90),
  state: "degraded",
  problems: ["NATS is away"],
};
export const agentList: AgentList = { ...head("AgentList"), revision: 12, items: [agent, silent] };
export const status: SystemStatus = {
  ...head("Status"),
  policy: "default",
  revision: 12,
  state: "degraded",
  components: [
    { name: "nats", state: "ok", detail: "connected" },
    { name: "alerting", state: "down", detail: "no answer" },
  ],
  rules: 2,
  forwards: 1,
  agents: [agent, silent],
  inspectors: [
    {
      inspectorId: "insp-1",
      pool: "default",
      host: "edge",
      version: "0.1.0",
      pid: 2,
      startedAt: at(600),
      at: at(1),
      state: "ok",
      problems: [],
      live: true,
      partitions: [...Array.from({ length: 62 }, (_, index) => index), 63],
      modules: [
        {
          name: "ips",
          version: "0.1.0",
          digest: `sha256:${"ab".repeat(32)}`,
          title: "Intrusion prevention",
          state: "running",
          strikes: 1,
        },
      ],
    },
  ],
  alerting: { storage: "chdb", storageOk: true, detections: 1_234, pending: 0, flows: 99, problems: [] },
};
export const alert: Alert = {
  id: 17,
  state: "new",
  firstSeen: at(300),
  lastSeen: at(120),
  count: 3,
  severity: 1,
  module: "ips",
  rule: { id: 1_001, name: "SQL injection", category: "web" },
  flow: { src: "10.1.0.9", dst: "10.2.0.5", sport: 51_234, dport: 80, proto: "tcp" },
  summary: "SQL injection: ' or 1=1 in args.q",
};
/** Ethernet, IPv4, TCP and a request. */
const frame = Buffer.concat([
  Buffer.from("020000000002020000000001" + "0800", "hex"),
  Buffer.from("4500003c0000400040060000" + "0a010009" + "0a020005", "hex"),
  Buffer.from("c822" + "0050" + "00000001" + "00000002" + "5018ffff00000000", "hex"),
  Buffer.from("GET /?q='%20or%201=1 HTTP/1.1\r\n\x1b[2J"),
]);
export const alertShown: AlertShown = {
  ...head("Alert"),
  alert,
  detections: [
    {
      id: "d1",
      time: at(120),
      policy: "default",
      inspector: "insp-1",
      module: { name: "ips", version: "0.1.0", digest: "sha256:x" },
      rule: alert.rule,
      severity: 1,
      confidence: 90,
      verdictHint: "drop",
      flowId: "0123456789abcdef",
      flow: alert.flow,
      direction: "to_server",
      ifindex: 2,
      vlan: 0,
      forwardId: 3,
      attributes: {
        "http.method": "GET",
        "http.uri": "/?q='%20or%201=1\x1b[31m",
        "http.host": "shop\xe2\x80\xae.example",
        "match.data": "' or 1=1\xff",
        "match.location": "args.q",
        "match.transformations": "url_decode,lowercase",
        "ports.count": "1",
      },
      packet: frame.toString("base64"),
    },
  ],
  triage: [{ at: at(60), actor: "alice", state: "acknowledged", note: "looking \x1b]0;pwned\x07" }],
};
/** A false alarm of the waf module. */
export const wafAlert: AlertShown = {
  ...head("Alert"),
  alert: { ...alert, id: 18, module: "waf", rule: { id: 942_100, name: "SQL Injection Attack Detected via libinjection", category: "attack-sqli" }, summary: "SQL injection" },
  detections: alertShown.detections.map((detection) => ({
    ...detection,
    module: { name: "waf", version: "0.2.0", digest: "sha256:x" },
    attributes: {
      message: "SQL Injection Attack Detected via libinjection",
      "http.method": "POST",
      "http.uri": "/forum/post?draft=1",
      "match.location": "ARGS:body",
      score: "5",
      "score.parts": "942100:5",
      "request.line": "POST /forum/post?draft=1 HTTP/1.1",
      exclusion: 'SecRuleUpdateTargetById 942100 "!ARGS:body"',
    },
  })),
  triage: [],
};
/** As inspectors with rule images tell it. */
export const eveDetection: AlertShown["detections"][number] = {
  id: "d2",
  time: "2026-11-22T11:58:00.000001Z",
  policy: "default",
  inspector: "insp-1",
  module: { name: "ips", version: "0.2.0", digest: "sha256:x" },
  rule: { id: 9_000_101, name: "Log4Shell in a request", category: "Attempted Administrator Privilege Gain" },
  severity: 1,
  confidence: 90,
  verdictHint: "drop",
  flowId: "0123456789abcdef",
  flow: alert.flow,
  direction: "to_server",
  ifindex: 2,
  vlan: 0,
  forwardId: 3,
  attributes: {},
  packet: frame.toString("base64"),
  wireLength: 1_500,
  eve: JSON.stringify({
    app_proto: "http",
    http: { hostname: "shop.example", url: "/?q=${jndi:ldap://x\x1b[31m}", http_method: "GET", status: 200 },
    flow: { pkts_toserver: 3, pkts_toclient: 2, start: "2026-11-22T11:57:59.000000+0000" },
    alert: { gid: 1, rev: 4, metadata: { cve: ["CVE-2021-44228"] } },
  }),
  payload: Buffer.from("GET /?q=${jndi:ldap://x} HTTP/1.1\r\n\r\n").toString("base64"),
};
export const detectionList: DetectionList = {
  ...head("DetectionList"),
  items: [alertShown.detections[0], eveDetection].filter((one) => one !== undefined),
  next: 18,
  more: false,
};
export const alertList: AlertList = {
  ...head("AlertList"),
  items: [alert, { ...alert, id: 16, state: "approved", severity: 3, ruleId: 7, count: 1 }],
  total: 5,
};
export const suggestion: SuggestionShown = {
  ...head("Suggestion"),
  alertId: 17,
  rule: {
    src: "10.1.0.9",
    dst: "10.2.0.5",
    port: 80,
    proto: "tcp",
    action: "drop",
    priority: 1_000,
    ttlMs: 3_600_000,
    comment: "alert 17: it's $(reboot)",
    tags: [],
    alertId: 17,
  },
  reason: "ips found SQL injection 3 times",
  blastRadius: {
    windowMs: 86_400_000,
    flows: 12,
    packets: 340,
    bytes: 65_536,
    flowsWithDetections: 10,
    flowsWithout: 2,
    sources: 1,
    coverage: "Only forwarded traffic is known.",
  },
  warnings: ["2 of the 12 flows had no detection"],
};
export const approved: AlertApproved = {
  ...head("AlertApproved"),
  alertId: 17,
  rule: { ...rule, id: 8, alertId: 17 },
  enforcement: inForce,
  warnings: [],
};

/** Counters after `seconds` of steady traffic. */
export function stats(seconds: number, more: { agents?: StatsSnapshot["agents"]; from?: number } = {}): StatsSnapshot {
  const time = new Date((more.from ?? NOW) + seconds * 1_000).toISOString();
  const hits = { packets: 100 * seconds, bytes: 10_000 * seconds };
  return {
    ...head("Stats"),
    at: time,
    agents: more.agents ?? [
      {
        agentId: "edge-1",
        at: time,
        verdicts: { pass: { packets: 1_000 * seconds, bytes: 125_000 * seconds }, drop: hits },
        unparsed: 0,
        rules: [
          { id: 7, ...hits },
          { id: 9, packets: 0, bytes: 0 },
        ],
        forwards: [{ id: 3, packets: 50 * seconds, bytes: 5_000 * seconds }],
        forwarded: {
          packets: 50 * seconds,
          bytes: 5_000 * seconds,
          lostInRing: seconds,
          lostInAgent: 0,
          framesPublished: seconds,
          packetsPublished: 50 * seconds,
        },
      },
    ],
    inspectors: [
      {
        inspectorId: "insp-1",
        at: time,
        frames: seconds,
        packets: 49 * seconds,
        bytes: 4_900 * seconds,
        lostInTransit: 0,
        lostInQueue: 0,
        malformed: 0,
        findings: 2 * seconds,
        modules: [],
      },
    ],
  };
}

/** An object without some of its fields. */
export function without<T extends object, K extends keyof T>(object: T, ...names: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name as K))) as Omit<T, K>;
}

export const problem = (code: string, status_: number, detail: string, more: Partial<Problem> = {}): Problem => ({
  type: `urn:secuxflow:problem:${code}`,
  title: code,
  status: status_,
  code,
  detail,
  ...more,
});
