import type { CommandSpec } from "../command.js";
import { Values } from "../context.js";
import { EXIT } from "../exit.js";
import { API_VERSION } from "../http/shapes.generated.js";
import { printDocument } from "../output/format.js";
import { text } from "./common.js";

export const TEST: CommandSpec = {
  name: "test",
  summary: "try a module before it is pushed",
  description:
    "Run the self-tests that are in a module, and try what every module must hold to: random packets, records that contradict their data, " +
    "outputs that fill up, the same findings each time, memory that does not grow. No service is needed.",
  options: [
    ["--pcap <file>", "also run this capture, and say what is found"],
    ["--seed <number>", "of the random packets", { default: "1" }],
    ["--tap", "print TAP (Test Anything Protocol)"],
    ["--unwatched", "run in this process, one JSON object a check; a module that hangs then hangs this command"],
  ],
  argument: { name: "FILE", description: "the .wasm file, or ips or waf", complete: "modules" },
  examples: [
    ["module test sensor.wasm", "its self-tests and the border"],
    ["module test sensor.wasm --pcap office.pcap", "and what it finds in a capture"],
  ],
  run: async (context, options, file) => {
    const values = new Values();
    if (file === undefined) values.fault("FILE", "which module? give its .wasm file");
    const seed = values.whole("--seed", text(options, "seed"), "a seed", 0, 2 ** 31);
    values.check();
    const { findModule } = await import("../input/module-file.js");
    const { path, bytes } = findModule(context.env, file ?? "");
    const { checksOf, ownProgram } = await import("../module-test/watched.js");
    const pcap = text(options, "pcap");
    const wanted = { ...(pcap !== undefined && { pcap }), ...(seed !== undefined && { seed }) };
    const { out, format } = context;
    const [unwatched, tap] = [options.unwatched === true, options.tap === true];
    const checks = [];
    for await (const check of checksOf(path, bytes, wanted, unwatched ? undefined : ownProgram())) {
      checks.push(check);
      const { name, ok, detail } = check;
      if (unwatched) out.json(check, 0);
      else if (tap) out.lines([[`${ok ? "ok" : "not ok"} ${checks.length} - ${name} # ${detail.replaceAll("\n", " ")}`]]);
      else if (format === "table") out.lines([[{ text: ok ? "✓" : "✗", style: ok ? "green" : "red" }, ` ${name}: ${detail}`]]);
    }
    const failed = checks.filter(({ ok }) => !ok).length;
    const summary = failed === 0 ? `${checks.length} checks passed` : `${failed} of ${checks.length} checks failed`;
    if (tap) out.lines([[`1..${checks.length}`]]);
    else if (!unwatched) {
      const document = { apiVersion: API_VERSION, kind: "ModuleTest", file: path, passed: checks.length - failed, failed, checks };
      await printDocument(out, format, document, () => [[summary]]);
    }
    return failed === 0 ? EXIT.done : EXIT.failed;
  },
};
