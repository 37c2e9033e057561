import { runCrs } from "./crs/suite.js";
import { runFalsePositives } from "./false-positives/suite.js";
import { runLibinjection } from "./libinjection/suite.js";
import type { SuiteOptions } from "./options.js";
import type { Outcome } from "./report.js";
import { runSecLangVectors } from "./seclang-vectors/suite.js";
import { runEtOpen } from "./suricata/etopen.js";
import { runSuricataVerify } from "./suricata/suite.js";

interface Suite {
  readonly title: string;
  readonly run: (options: SuiteOptions) => Outcome[] | Promise<Outcome[]>;
}

export const SUITES: Readonly<Record<string, Suite | undefined>> = {
  etopen: { title: "compiles the active Emerging Threats rules of a folder", run: runEtOpen },
  crs: { title: "regression tests of the OWASP Core Rule Set, through the waf module", run: runCrs },
  "false-positives": { title: "ordinary requests, which the Core Rule Set and the waf module's own rules should leave alone", run: runFalsePositives },
  libinjection: { title: "libinjection's tests of SQL and HTML tokens, folding and injections", run: runLibinjection },
  "seclang-vectors": { title: "Coraza's vectors of operators and transformations", run: runSecLangVectors },
  "suricata-verify": { title: "alert and drop checks of OISF's regression tests, through the ips module", run: runSuricataVerify },
};

const list = Object.entries(SUITES).map(([name, suite]) => `  ${name.padEnd(16)} ${suite?.title ?? ""}`);

export const USAGE = `usage: npm run conformance -- SUITE [--data DIR] [--json FILE] [--filter TEXT] [--paranoia N]

${list.join("\n")}

  --data      folder of the suite's data, or one that holds it (default: SECUXFLOW_CONFORMANCE, or ../shared/conformance)
  --json      writes {suite, total, passed, failed, skipped, failures: [{id, reason}]}
  --filter    only tests whose id contains this
  --paranoia  paranoia level: crs 4, false-positives 1 when not given
Ends with 0 when nothing failed, 1 otherwise.`;
