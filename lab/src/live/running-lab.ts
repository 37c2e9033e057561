import { readdirSync } from "node:fs";
import { runCommand } from "@secuxflow/testkit";
import { ATTACKS, type AttackName } from "../attacks.js";
import { ADDRESSES } from "../topology.js";

/** There is no lab to attack. */
export class NoLab extends Error {
  override readonly name = "NoLab";
}

const CLIENT = `
const [host, port, path, headers] = process.argv.slice(1);
const request = require("node:http").get({ host, port, path, headers: JSON.parse(headers), timeout: 3000 }, (response) => {
  console.log("the shop answered " + response.statusCode);
  response.resume();
});
request.on("timeout", () => request.destroy(new Error("no answer in 3 s (dropped?)")));
request.on("error", (error) => { console.log(error.message); process.exitCode = 1; });`;

/** Sends an attack from the attacker of the lab that another process runs. Returns what came of it. Throws NoLab. */
export async function attackRunningLab(name: AttackName): Promise<string> {
  const attackers = readdirSync("/run/netns").filter((entry) => /^sxflab\..*\.attacker$/.test(entry));
  const netns = attackers[0];
  if (netns === undefined) throw new NoLab("no lab is running; start one with `npm start` in another terminal");
  const { path, headers = {} } = ATTACKS[name] as { path: string; headers?: Record<string, string> };
  const { stdout } = await runCommand("nsenter", [
    `--net=/run/netns/${netns}`, "--", process.execPath, "-e", CLIENT, ADDRESSES.service, String(ADDRESSES.servicePort), path, JSON.stringify(headers),
  ], { check: false });
  return stdout.trim();
}
