// Where the container tooling keeps its things. Everything lies below the checkout except sockets: a Unix socket path
// has at most 107 bytes and a checkout may lie deep, so sockets go to /run under a name made from the checkout's path.
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the checkout. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Eight hex digits naming this checkout, for things that live outside it (sockets, cgroups). */
export const CHECKOUT = createHash("sha256").update(ROOT).digest("hex").slice(0, 8);

/** Data of the engine and of image building; kept between runs because images are costly to make again. */
export const STATE = join(ROOT, ".secuxflow", "docker");

/** Paths of the engine this checkout starts when none answers. */
export const ENGINE = {
  data: join(STATE, "data"),
  log: join(STATE, "dockerd.log"),
  state: join(STATE, "engine.json"),
  lock: join(STATE, "engine.lock"),
  run: `/run/secuxflow-docker-${CHECKOUT}`,
  exec: `/run/secuxflow-docker-${CHECKOUT}/exec`,
  pid: `/run/secuxflow-docker-${CHECKOUT}/dockerd.pid`,
  socket: `/run/secuxflow-docker-${CHECKOUT}/docker.sock`,
  cgroup: `secuxflow-docker-${CHECKOUT}`,
};
