// classification.config, reference.config and threshold.config, and what holds without them.

import { parseAddresses } from "./addresses.js";
import { RuleError } from "./errors.js";
import type { RateFilter, Refusal, Suppression, Threshold, TrackBy } from "./ir.js";
import { nameAndValue, parseNumber, splitCommas, type Text } from "./values.js";

export interface Classification {
  description: string;
  priority: number;
}

/** What the compiler knows beside the rules. Keys of the last three are `gid:sid`; `gid:0` and `0:0` stand for all. */
export interface Configuration {
  classifications: ReadonlyMap<string, Classification>;
  /** Address that a reference's value is appended to, by scheme. */
  references: ReadonlyMap<string, string>;
  suppressions: ReadonlyMap<string, Suppression[]>;
  rateFilters: ReadonlyMap<string, RateFilter>;
  eventFilters: ReadonlyMap<string, Threshold>;
}

/** A configuration file's text; the name is for messages. */
export interface ConfigFile {
  name: string;
  text: string;
}

/** Classes that rule sets share: name, priority, description. */
const CLASSES: readonly (readonly [string, number, string])[] = [
  ["not-suspicious", 3, "Not Suspicious Traffic"],
  ["unknown", 3, "Unknown Traffic"],
  ["bad-unknown", 2, "Potentially Bad Traffic"],
  ["attempted-recon", 2, "Attempted Information Leak"],
  ["successful-recon-limited", 2, "Information Leak"],
  ["successful-recon-largescale", 2, "Large Scale Information Leak"],
  ["attempted-dos", 2, "Attempted Denial of Service"],
  ["successful-dos", 2, "Denial of Service"],
  ["attempted-user", 1, "Attempted User Privilege Gain"],
  ["unsuccessful-user", 1, "Unsuccessful User Privilege Gain"],
  ["successful-user", 1, "Successful User Privilege Gain"],
  ["attempted-admin", 1, "Attempted Administrator Privilege Gain"],
  ["successful-admin", 1, "Successful Administrator Privilege Gain"],
  ["rpc-portmap-decode", 2, "Decode of an RPC Query"],
  ["shellcode-detect", 1, "Executable code was detected"],
  ["string-detect", 3, "A suspicious string was detected"],
  ["suspicious-filename-detect", 2, "A suspicious filename was detected"],
  ["suspicious-login", 2, "An attempted login using a suspicious username was detected"],
  ["system-call-detect", 2, "A system call was detected"],
  ["tcp-connection", 4, "A TCP connection was detected"],
  ["trojan-activity", 1, "A Network Trojan was detected"],
  ["unusual-client-port-connection", 2, "A client was using an unusual port"],
  ["network-scan", 3, "Detection of a Network Scan"],
  ["denial-of-service", 2, "Detection of a Denial of Service Attack"],
  ["non-standard-protocol", 2, "Detection of a non-standard protocol or event"],
  ["protocol-command-decode", 3, "Generic Protocol Command Decode"],
  ["web-application-activity", 2, "access to a potentially vulnerable web application"],
  ["web-application-attack", 1, "Web Application Attack"],
  ["misc-activity", 3, "Misc activity"],
  ["misc-attack", 2, "Misc Attack"],
  ["icmp-event", 3, "Generic ICMP event"],
  ["inappropriate-content", 1, "Inappropriate Content was Detected"],
  ["policy-violation", 1, "Potential Corporate Privacy Violation"],
  ["default-login-attempt", 2, "Attempt to login by a default username and password"],
  ["targeted-activity", 1, "Targeted Malicious Activity was Detected"],
  ["exploit-kit", 1, "Exploit Kit Activity Detected"],
  ["external-ip-check", 2, "Device Retrieving External IP Address Detected"],
  ["domain-c2", 1, "Domain Observed Used for C2 Detected"],
  ["pup-activity", 2, "Possibly Unwanted Program Detected"],
  ["credential-theft", 1, "Successful Credential Theft Detected"],
  ["social-engineering", 2, "Possible Social Engineering Attempted"],
  ["coin-mining", 2, "Crypto Currency Mining Activity Detected"],
  ["command-and-control", 1, "Malware Command and Control Activity Detected"],
];

const REFERENCES: readonly (readonly [string, string])[] = [
  ["bugtraq", "http://www.securityfocus.com/bid/"],
  ["bid", "http://www.securityfocus.com/bid/"],
  ["cve", "http://cve.mitre.org/cgi-bin/cvename.cgi?name="],
  ["secunia", "http://www.secunia.com/advisories/"],
  ["arachnids", "http://www.whitehats.com/info/IDS"],
  ["mcafee", "http://vil.nai.com/vil/content/v_"],
  ["nessus", "http://cgi.nessus.org/plugins/dump.php3?id="],
  ["url", "http://"],
  ["et", "http://doc.emergingthreats.net/"],
  ["etpro", "http://doc.emergingthreatspro.com/"],
  ["telus", "http://"],
  ["osvdb", "http://osvdb.org/show/osvdb/"],
  ["threatexpert", "http://www.threatexpert.com/report.aspx?md5="],
  ["md5", "http://www.threatexpert.com/report.aspx?md5="],
  ["exploitdb", "http://www.exploit-db.com/exploits/"],
  ["openpacket", "https://www.openpacket.org/capture/grab/"],
  ["securitytracker", "http://securitytracker.com/id?"],
  ["xforce", "http://xforce.iss.net/xforce/xfdb/"],
  ["msft", "http://technet.microsoft.com/security/bulletin/"],
];

/** What configuration files add. */
export interface ConfigInput {
  classifications?: readonly ConfigFile[];
  references?: readonly ConfigFile[];
  thresholds?: readonly ConfigFile[];
}

/** Reads configuration files; a bad line is refused alone. */
export function readConfiguration(
  input: ConfigInput,
  addressVariables: ReadonlyMap<string, string>,
): { configuration: Configuration; refused: Refusal[] } {
  const refused: Refusal[] = [];
  const classifications = new Map(CLASSES.map(([name, priority, description]) => [name, { priority, description }]));
  const references = new Map(REFERENCES);
  const suppressions = new Map<string, Suppression[]>();
  const rateFilters = new Map<string, RateFilter>();
  const eventFilters = new Map<string, Threshold>();

  eachLine(input.classifications, refused, (line) => {
    const parts = /^config\s+classification\s*:\s*([^,]+),(.+),\s*(\d{1,3})\s*$/.exec(line.text);
    if (parts === null) throw new RuleError("syntax", 0, "expected: config classification: name,description,priority");
    classifications.set(parts[1]!.trim(), {
      description: parts[2]!.trim(),
      priority: Math.min(255, Math.max(1, Number(parts[3]))),
    });
  });
  eachLine(input.references, refused, (line) => {
    const parts = /^config\s+reference\s*:\s*(\S+)\s+(\S+)\s*$/.exec(line.text);
    if (parts === null) throw new RuleError("syntax", 0, "expected: config reference: scheme address");
    references.set(parts[1]!.toLowerCase(), parts[2]!);
  });
  eachLine(input.thresholds, refused, (line) => {
    const parts = /^(suppress|rate_filter|event_filter|threshold)\s+(.*)$/.exec(line.text);
    if (parts === null) throw new RuleError("syntax", 0, "expected suppress, rate_filter, event_filter or threshold");
    const fields = readFields({ text: parts[2]!, at: line.text.length - parts[2]!.length });
    const gid = parseNumber(need(fields, "gen_id"), "gen_id", 0, 0xffff_ffff);
    const sid = parseNumber(need(fields, "sig_id"), "sig_id", 0, 0xffff_ffff);
    const key = `${gid}:${sid}`;
    if (parts[1] === "suppress") suppressions.set(key, [...(suppressions.get(key) ?? []), suppression(fields, addressVariables)]);
    else if (parts[1] === "rate_filter") rateFilters.set(key, rateFilter(fields));
    else eventFilters.set(key, eventFilter(fields));
  });
  return { configuration: { classifications, references, suppressions, rateFilters, eventFilters }, refused };
}

function eachLine(files: readonly ConfigFile[] | undefined, refused: Refusal[], handle: (line: Text) => void): void {
  for (const { name, text } of files ?? []) {
    for (const [index, raw] of text
      .replaceAll(/\\\r?\n/g, " ")
      .split(/\r?\n/)
      .entries()) {
      const line = raw.replace(/^\s*#.*$/, "").trim();
      if (line === "") continue;
      try {
        handle({ text: line, at: 0 });
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        const { kind, at, message } = error;
        refused.push({ file: name, line: index + 1, column: Math.max(0, at) + 1, sid: 0, reason: message, kind });
      }
    }
  }
}

/** `name value, name value`; commas within brackets do not separate. */
function readFields(value: Text): Map<string, Text> {
  const hidden = value.text.replaceAll(/\[[^\]]*\]/g, (group) => group.replaceAll(",", "\u0000"));
  const fields = new Map<string, Text>();
  for (const part of splitCommas({ text: hidden, at: value.at })) {
    const { name, value: given } = nameAndValue(part);
    if (given === undefined) throw new RuleError("syntax", part.at, `"${part.text}" has no value`);
    fields.set(name, { text: given.text.replaceAll("\u0000", ","), at: given.at });
  }
  return fields;
}

function need(fields: ReadonlyMap<string, Text>, name: string): Text {
  const value = fields.get(name);
  if (value === undefined) throw new RuleError("syntax", 0, `${name} is missing`);
  return value;
}

function oneOf<T extends string>(value: Text, allowed: readonly T[]): T {
  const found = allowed.find((entry) => entry === value.text);
  if (found === undefined) throw new RuleError("syntax", value.at, `"${value.text}" is not one of ${allowed.join(", ")}`);
  return found;
}

const TRACKS: readonly TrackBy[] = ["by_src", "by_dst", "by_both", "by_rule", "by_flow"];

function suppression(fields: ReadonlyMap<string, Text>, variables: ReadonlyMap<string, string>): Suppression {
  const track = fields.get("track");
  if (track === undefined) return {};
  const ip = need(fields, "ip");
  return {
    track: oneOf(track, ["by_src", "by_dst", "by_either"] as const),
    addresses: parseAddresses(ip.text, ip.at, variables),
  };
}

function rateFilter(fields: ReadonlyMap<string, Text>): RateFilter {
  return {
    track: oneOf(need(fields, "track"), TRACKS),
    count: parseNumber(need(fields, "count"), "count", 1, 0xffff_ffff),
    seconds: parseNumber(need(fields, "seconds"), "seconds", 1, 0xffff_ffff),
    newAction: oneOf(need(fields, "new_action"), ["alert", "drop", "pass", "reject"]),
    timeout: parseNumber(need(fields, "timeout"), "timeout", 0, 0xffff_ffff),
  };
}

function eventFilter(fields: ReadonlyMap<string, Text>): Threshold {
  const type = oneOf(need(fields, "type"), ["limit", "threshold", "both", "backoff"]);
  return {
    type,
    track: oneOf(need(fields, "track"), TRACKS),
    count: parseNumber(need(fields, "count"), "count", 1, 0xffff_ffff),
    seconds: type === "backoff" ? 0 : parseNumber(need(fields, "seconds"), "seconds", 1, 0xffff_ffff),
    multiplier: type === "backoff" ? parseNumber(need(fields, "multiplier"), "multiplier", 2, 65_535) : 1,
  };
}
