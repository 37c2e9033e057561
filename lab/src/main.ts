import { parseArgs } from "node:util";
import { DEFAULT_API_PORT } from "@secuxflow/contracts";
import { ATTACKS, type AttackName } from "./attacks.js";
import { demo } from "./demo/demo.js";
import { attackRunningLab } from "./live/running-lab.js";
import { start } from "./live/start.js";
import { stopSignal } from "./stop-signal.js";

const USAGE = `usage: npm start [-- --iface NAME] [-- --data DIR] [-- --api-port N]
       npm run demo
       npm run attack -- ${Object.keys(ATTACKS).join("|")}`;

const print = (line: string): void => { console.log(line); };

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { iface: { type: "string" }, data: { type: "string" }, "api-port": { type: "string" }, help: { type: "boolean" } },
  });
  const [command, name] = positionals;
  if (values.help === true) {
    print(USAGE);
    return 0;
  }
  switch (command) {
    case "start": {
      const apiPort = Number(values["api-port"] ?? DEFAULT_API_PORT);
      if (!Number.isInteger(apiPort) || apiPort < 0 || apiPort > 65_535) throw new TypeError(`--api-port ${values["api-port"] ?? ""} is not a port from 0 to 65535`);
      await start({ apiPort, ...(values.iface === undefined ? {} : { iface: values.iface }), ...(values.data === undefined ? {} : { dataDir: values.data }) }, print, stopSignal());
      return 0;
    }
    case "demo":
      await demo(print);
      return 0;
    case "attack":
      if (name === undefined || !Object.hasOwn(ATTACKS, name)) throw new TypeError(`unknown attack ${name ?? ""}; there are ${Object.keys(ATTACKS).join(", ")}`);
      print(await attackRunningLab(name as AttackName));
      return 0;
    default:
      console.error(USAGE);
      return 2;
  }
}

main().then((code) => process.exit(code), (error: unknown) => {
  console.error(error instanceof TypeError ? `${error.message}\n${USAGE}` : error instanceof Error ? error.message : error);
  process.exit(error instanceof TypeError ? 2 : 1);
});
