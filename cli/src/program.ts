import { Command, Help } from "commander";
import { describedOption, examplesText, type Invocation } from "./command.js";
import { addAgent } from "./commands/agent.js";
import { addAlert } from "./commands/alert.js";
import { addCompletion } from "./commands/completion.js";
import { addForward } from "./commands/forward.js";
import { addInspect } from "./commands/inspect.js";
import { addModule } from "./commands/module.js";
import { addProtection } from "./commands/protection.js";
import { addRule } from "./commands/rule.js";
import { addService } from "./commands/service.js";
import { addSet } from "./commands/set.js";
import { addStatus } from "./commands/status.js";
import { FORMATS } from "./output/format.js";
import { Printer } from "./output/printer.js";
import { DEFAULT_API, DEFAULT_TIMEOUT, mayColor } from "./settings.js";

const MORE = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 differences found, 4 applied but not on every agent.
stdout is data, stderr is messages. Documents of -o json and -o yaml have an apiVersion and a kind.

Environment:
  SECUXFLOW_API              address of the rule API, as --api
  SECUXFLOW_API_TOKEN        bearer token
  SECUXFLOW_API_TOKEN_FILE   file with the token, as --token-file
  SECUXFLOW_MODULES          folders of .wasm files that inspect finds by name
  NO_COLOR                   no colours, as --no-color
`;

/** The whole command line: every noun, verb and option. */
export function buildProgram(invocation: Invocation): Command {
  const { env } = invocation;
  const out = new Printer(env.stdout, false);
  const err = new Printer(env.stderr, mayColor(env, undefined, env.stderr.isTTY));
  const program = new Command("secuxflow-cli")
    .description("Filter, forward, review and block traffic with SecuXFlow.")
    .usage("[options] <noun> <verb> [options]")
    .configureOutput({
      writeOut: (text) => out.text(text),
      writeErr: (text) => err.text(text),
      getOutHelpWidth: () => (env.stdout.isTTY ? (env.stdout.columns ?? 80) : 100),
      getErrHelpWidth: () => (env.stderr.isTTY ? (env.stderr.columns ?? 80) : 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text) => err.text(text.replace(/^error: /, "secuxflow-cli: ")),
    })
    .configureHelp({
      showGlobalOptions: true,
      // An option that the command has itself is told once.
      visibleGlobalOptions(command) {
        const own = new Set(command.options.map(({ long }) => long));
        return Help.prototype.visibleGlobalOptions.call(this, command).filter(({ long }) => !own.has(long));
      },
    })
    .exitOverride()
    .version(env.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .addOption(describedOption("-o, --output <format>", "how data is printed", { choices: FORMATS, default: "table" }))
    .addOption(describedOption("--api <url>", "address of the rule API", { default: DEFAULT_API }))
    .option("--token-file <file>", "file with the bearer token of the API")
    .addOption(describedOption("--timeout <duration>", "how long the API may take to answer", { default: DEFAULT_TIMEOUT }))
    .option("--no-color", "no colours")
    .addHelpText(
      "after",
      examplesText([
        [
          "rule add --src 192.168.1.0/24 --dst 10.0.0.5 --port 80 --proto tcp --action drop",
          "drop web traffic of a network to a host",
        ],
        ["forward add --src any --dst 10.0.0.0/24 --port 443 --proto tcp --module ips", "have traffic inspected by a module"],
        ["alert watch", "see what is found, as it is found"],
        ["alert approve 17", "block what alert 17 is about"],
        ["status stats --interval 5s", "see packets, drops and losses, live"],
        ["inspect --pcap capture.pcap --module ips", "see what a capture holds, without any service"],
      ]) + MORE,
    );
  addRule(program, invocation);
  addForward(program, invocation);
  addSet(program, invocation);
  addService(program, invocation);
  addProtection(program, invocation);
  addAlert(program, invocation);
  addStatus(program, invocation);
  addModule(program, invocation);
  addAgent(program, invocation);
  addInspect(program, invocation);
  addCompletion(program, invocation);
  inherit(program);
  return program;
}

/** Sub-commands take over how the program writes and ends; wrong usage points to the help of the command. */
function inherit(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inherit(command);
  }
  parent.showHelpAfterError(`next: ${fullName(parent)} --help`);
}

const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
