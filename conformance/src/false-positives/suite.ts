import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Finding } from "@secuxflow/inspect-abi";
import { loadModule, ModuleInstance } from "@secuxflow/module-host";
import { openRuleSet } from "@secuxflow/rule-image";
import { compileSecLang, renderExclusions } from "@secuxflow/seclang";
import { compileWafRules, modulePath } from "@secuxflow/wasm";
import { PacketSession } from "../crs/session.js";
import { dataFolder, DataMissing, filesBelow } from "../data.js";
import type { SuiteOptions } from "../options.js";
import type { Outcome } from "../report.js";
import { corpus } from "./corpus/corpus.js";
import type { Ordinary } from "./corpus/request.js";

/** Share of ordinary requests that may alert. */
const MOST = 0.005;

/** A rule set, as it stands and with rules of severity warning or graver speaking for themselves. */
interface RuleSets {
  readonly name: string;
  readonly blocking: Uint8Array;
  readonly any: Uint8Array;
}

/**
 * Ordinary requests through the waf module, with the Core Rule Set and with the module's own rules. A request fails that reaches
 * the threshold of anomaly points (part `crs`, `own`), or that any rule of severity warning or graver finds (`crs-any-rule`,
 * `own-any-rule`). Text made of code, or chosen for
 * the words of attacks in it, is told apart: it is listed as skipped where it alerts and does not count.
 */
export async function runFalsePositives({ data, filter, paranoia = 1 }: SuiteOptions): Promise<Outcome[]> {
  const requests = corpus().filter(({ id }) => filter === undefined || id.includes(filter));
  const outcomes: Outcome[] = [];
  for (const { name, blocking, any } of rulesOf(paranoia, data)) {
    outcomes.push(...(await judge(name, requests, blocking, isAlert)));
    outcomes.push(...(await judge(`${name}-any-rule`, requests, any, isRule)));
  }
  return outcomes;
}

const isAlert = (finding: Finding): boolean => !finding.noAlert;
/** Evaluation rules only add up what others found. */
const isRule = ({ ruleId, severity }: Finding): boolean => severity <= 3 && !(ruleId >= 949_000 && ruleId < 950_000) && !(ruleId >= 959_000 && ruleId < 960_000) && !(ruleId >= 980_000 && ruleId < 981_000);

async function judge(part: string, requests: readonly Ordinary[], image: Uint8Array, counts: (finding: Finding) => boolean): Promise<Outcome[]> {
  const module = loadModule(readFileSync(process.env.SECUXFLOW_WAF_MODULE ?? modulePath("waf")));
  const session = new PacketSession(await ModuleInstance.create(module, { configure: "checksum=0\n", rules: openRuleSet(image) }));
  const outcomes = requests.map(({ id, request, hard }): Outcome => {
    const findings = session.exchange(request, Buffer.from("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"));
    const found = findings.filter(counts);
    if (found.length === 0) return { id: `${part}/${id}`, result: "passed", reason: "", part };
    const reason = `${reasonOf(findings)}: ${request.toString("utf8").split("\r\n")[0] ?? ""}`;
    return { id: `${part}/${id}`, result: hard ? "skipped" : "failed", reason: hard ? `made of what attacks are made of: ${reason}` : reason, part };
  });
  const counted = requests.filter(({ hard }) => !hard).length;
  const failed = outcomes.filter(({ result }) => result === "failed").length;
  const share = failed / Math.max(1, counted);
  const reason = `${failed} of ${counted} ordinary requests alert: ${(100 * share).toFixed(2)} %, at most ${100 * MOST} % may`;
  return [...outcomes, { id: `${part}/share`, result: share <= MOST ? "passed" : "failed", reason: share <= MOST ? "" : reason, part }];
}

/** The rules that fired, with where and at what. */
function reasonOf(findings: readonly Finding[]): string {
  const shown = findings.map(({ ruleId, attributes }) => {
    const parts = attributes["score.parts"];
    return `${ruleId}${parts === undefined ? "" : ` (${parts})`} ${attributes["match.location"] ?? ""} ${JSON.stringify(attributes["match.data"] ?? "").slice(0, 60)}`;
  });
  return shown.join(", ");
}

function rulesOf(paranoia: number, data: string | undefined): RuleSets[] {
  const own = { name: "own", blocking: compileWafRules().image, any: compileWafRules({ anomalyThresholds: { inbound: 1 } }).image };
  try {
    const image = crs(dataFolder("crs-v4.28", data), paranoia);
    return [{ name: "crs", blocking: image, any: image }, own];
  } catch (error) {
    if (error instanceof DataMissing && data === undefined) return [own];
    throw error;
  }
}

/**
 * What crs-setup.conf asks every site to say for itself, here of one with APIs, file sharing and beacons: methods and content
 * types. Nothing else is changed.
 */
const SITE = `SecAction "id:900200,phase:1,pass,nolog,setvar:'tx.allowed_methods=GET HEAD POST OPTIONS PUT PATCH DELETE PROPFIND REPORT'"
SecAction "id:900220,phase:1,pass,nolog,setvar:'tx.allowed_request_content_type=|application/x-www-form-urlencoded| |multipart/form-data| |text/xml| |application/xml| |application/soap+xml| |application/json| |application/json-patch+json| |application/graphql| |application/grpc-web-text| |application/csp-report| |text/plain|'"
`;

/**
 * What `alert fp` writes for the alerts that such a site has on its first day: GraphQL's variables and fields look like MongoDB's
 * operators, SQL functions and commands to CRS, and so do OData's `$filter` and `$top`.
 */
const EXCLUSIONS = [
  { path: "/graphql", exclusions: [932_235, 942_190, 942_290].flatMap((rule) => ["ARGS:json.query", "ARGS:query", "REQUEST_BODY"].map((target) => ({ rule, target }))) },
  { path: "/odata/Products", exclusions: ["$filter", "$top"].map((name) => ({ rule: 942_290, target: `ARGS_NAMES:${name}` })) },
]
  .map((group, i) => renderExclusions({ ...group, expires: 2_000_000_000, note: "ordinary there" }, 9_190_000 + i))
  .join("");

/** The Core Rule Set as it comes, with its own thresholds. */
function crs(folder: string, paranoia: number): Uint8Array {
  const rules = join(folder, "rules");
  const files = [join(folder, "crs-setup.conf.example"), ...filesBelow(rules, ".conf")].map((file) => ({ name: basename(file), text: readFileSync(file) }));
  const level = ([1, 2, 3, 4] as const).find((each) => each === paranoia) ?? 1;
  return compileSecLang(files, { paranoia: level, setup: SITE + EXCLUSIONS, read: (name) => readFileSync(join(rules, basename(name))) }).image;
}
