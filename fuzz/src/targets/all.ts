/** All targets but the data plane, by name. */
import type { TargetMaker } from "../engine/target.js";
import { appTarget } from "./app.js";
import { decodeTarget } from "./decode.js";
import { defragTarget } from "./defrag.js";
import { eveTarget } from "./eve.js";
import { hostTarget } from "./host.js";
import { httpTarget } from "./http.js";
import { imageTarget } from "./image.js";
import { ipsTarget, wafTarget } from "./modules.js";
import { pcapTarget } from "./pcap.js";
import { regexTarget } from "./regex.js";
import { rulesTarget, seclangTarget } from "./rules.js";
import { tcpTarget } from "./tcp.js";

export const targets: ReadonlyMap<string, TargetMaker> = new Map<string, TargetMaker>([
  ["http", httpTarget],
  ...["dns", "tls", "smtp", "ftp", "ssh", "smb", "detect"].map((name): [string, TargetMaker] => [name, appTarget(name)]),
  ["defrag", defragTarget], ["tcp", tcpTarget], ["decode", decodeTarget], ["regex", regexTarget], ["rules", rulesTarget], ["seclang", seclangTarget],
  ["pcap", pcapTarget], ["eve", eveTarget], ["image", imageTarget], ["host", hostTarget], ["ips", ipsTarget], ["waf", wafTarget],
]);
