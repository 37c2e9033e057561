import type { Command } from "commander";
import { addCommand, type Invocation, type Options } from "../command.js";
import { Values } from "../context.js";
import { text } from "./common.js";

/** What `inspect` was asked for. */
export interface InspectRequest {
  readonly pcap: string;
  readonly module: string;
  /** Files and folders; none for the module's own rules. */
  readonly rules: readonly string[];
  /** Lines for the module. */
  readonly configure: readonly string[];
  readonly bytes: boolean;
}

const list = (options: Options, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
};

/** `inspect`: runs a capture through a module, without any service. */
export function addInspect(program: Command, invocation: Invocation): void {
  addCommand(program, invocation, {
    name: "inspect",
    summary: "run a capture through an inspection module, here and now, without any service",
    description:
      "Run a capture (pcap or pcapng, - is stdin) through an inspection module, here and now, without any service: " +
      "the same module, the same rules and the same findings as on live traffic. " +
      "-o eve prints one EVE JSON event a line, as they are found. " +
      "Rules that cannot be executed are told on stderr as file:line:column sid reason; the others are in force.",
    eve: true,
    options: [
      ["--pcap <file>", "the capture; - is stdin"],
      ["--module <name>", "a module, or the path of its .wasm file", { choices: ["ips", "waf"] }],
      ["--rules <files...>", "rule files, folders of them, or one .sxr image, instead of the module's own rules"],
      ["--configure <settings...>", "settings of the module, as key=value"],
      ["--no-bytes", "leave payload and packet out of the events"],
    ],
    examples: [
      ["inspect --pcap capture.pcap --module ips", "a summary of what is found"],
      ["inspect --pcap capture.pcap --module ips -o eve", "as EVE JSON, for jq and other tools"],
      ["inspect --pcap capture.pcap --module ips --rules emerging.rules local.rules -o eve", "by rules of your own"],
      ["inspect --pcap - --module waf --rules crs/ -o json", "a capture from stdin, by a folder of SecLang rules"],
      ["inspect --pcap capture.pcap --module ips --configure inline=1 midstream=1", "with settings of the module"],
    ],
    run: async (context, options) => {
      const values = new Values();
      const pcap = text(options, "pcap");
      const module = text(options, "module");
      if (pcap === undefined) values.fault("--pcap", "which capture? - is stdin");
      if (module === undefined) values.fault("--module", "which module? ips, waf, or the path of a .wasm file");
      const configure = list(options, "configure");
      for (const line of configure)
        if (!/^[^\s=][^=\n]*=[^\n]*$/.test(line)) values.fault("--configure", `${JSON.stringify(line)} is not key=value`);
      values.check();
      const { inspect } = await import("../offline/inspect.js");
      const request = { pcap: pcap ?? "", module: module ?? "", rules: list(options, "rules"), configure };
      return inspect(context, { ...request, bytes: options.bytes !== false });
    },
  });
}
