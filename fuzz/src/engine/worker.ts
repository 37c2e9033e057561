/** The worker of a watched campaign. */
import { parentPort, workerData } from "node:worker_threads";
import { targets } from "../targets/all.js";
import { campaign } from "./campaign.js";
import { formatFinding } from "./input.js";
import { announce, type WorkerMessage, type WorkerTask } from "./watched.js";

const { target: name, seed, seconds, failures, shared } = workerData as WorkerTask;
const say = (message: WorkerMessage): void => parentPort?.postMessage(message);

const make = targets.get(name);
if (make === undefined) throw new Error(`there is no target ${name}`);
const result = await campaign(await make(), {
  seed, seconds, failures, onInput: announce(shared, name), onFailure: (finding) => { say({ kind: "finding", text: formatFinding(finding) }); },
});
say({ kind: "done", inputs: result.inputs, seconds: result.seconds, reached: result.reached });
