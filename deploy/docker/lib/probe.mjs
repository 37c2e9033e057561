// Finding a Docker engine that answers.
import { existsSync } from "node:fs";
import { request } from "node:http";
import { ENGINE } from "./paths.mjs";
import { run } from "./run.mjs";

/**
 * Does the engine at this address answer? Unix sockets and plain TCP are asked directly (no client needed); any other
 * scheme (ssh, TLS) is left to the docker client.
 * @param {string} host value for DOCKER_HOST, such as unix:///var/run/docker.sock
 * @returns {Promise<boolean>}
 */
export function answers(host) {
  const url = new URL(host);
  const tls = Boolean(process.env.DOCKER_TLS_VERIFY);
  if (url.protocol === "unix:") {
    return existsSync(url.pathname) ? ping({ socketPath: url.pathname }) : Promise.resolve(false);
  }
  if ((url.protocol === "tcp:" || url.protocol === "http:") && !tls) {
    return ping({ host: url.hostname, port: url.port || 2375 });
  }
  return run("docker", ["version"], { env: { ...process.env, DOCKER_HOST: host } }).then(() => true, () => false);
}

function ping(address) {
  return new Promise((done) => {
    const call = request({ ...address, path: "/_ping", timeout: 3000 }, (reply) => {
      reply.resume();
      done(reply.statusCode === 200);
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => done(false));
    call.end();
  });
}

/**
 * The engine to use: the one DOCKER_HOST names, else the system's, else the one this checkout started.
 * @returns {Promise<{ host: string, own: boolean } | undefined>} undefined when none answers
 * @throws {Error} when DOCKER_HOST names an engine that does not answer: whoever set it wants that one
 */
export async function findEngine() {
  const wanted = process.env.DOCKER_HOST;
  if (wanted) {
    if (await answers(wanted)) return { host: wanted, own: wanted === `unix://${ENGINE.socket}` };
    if (wanted !== `unix://${ENGINE.socket}`) {
      throw new Error(`no Docker engine answers at DOCKER_HOST=${wanted}; start it, or unset DOCKER_HOST`);
    }
  }
  for (const [socket, own] of [["/var/run/docker.sock", false], [ENGINE.socket, true]]) {
    if (await answers(`unix://${socket}`)) return { host: `unix://${socket}`, own };
  }
  return undefined;
}
