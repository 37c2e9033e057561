import { waitFor, type Namespace } from "@secuxflow/testkit";

type Child = Awaited<ReturnType<Namespace["spawn"]>>;

/** Runs in the namespace: one socket as JSON on the command line; says "ready" when it is as wanted, and stays. */
const SCRIPT = `
const [what, options] = JSON.parse(process.argv[1]);
const ready = () => console.log("ready");
const echo = (socket) => socket.on("error", () => undefined).pipe(socket);
if (what === "listen") require("node:net").createServer(echo).listen(options, ready);
else if (what === "connect") require("node:net").connect(options, function () { this.write("hello"); }).once("data", ready);
else {
  const socket = require("node:dgram").createSocket(options.address.includes(":") ? "udp6" : "udp4");
  socket.bind(options.port, options.address, () => (options.peer === undefined ? ready() : socket.connect(options.peer.port, options.peer.address, ready)));
}`;

async function start(ns: Namespace, what: string, options: object): Promise<Child> {
  const child = await ns.spawn(process.execPath, ["-e", SCRIPT, JSON.stringify([what, options])], { what: `${what} ${JSON.stringify(options)}` });
  await waitFor(() => child.log.lines().includes("ready"), {
    what: child.what, giveUp: () => (child.status === undefined ? undefined : new Error(`${child.what} ended:\n${child.log.toString()}`)),
  });
  return child;
}

/** A TCP echo server, on all addresses unless one is named. */
export const listen = (ns: Namespace, options: { port: number; host?: string; backlog?: number }): Promise<Child> => start(ns, "listen", { host: "::", ...options });
/** A TCP connection to such a server, which has sent its echo; stays open. */
export const connect = (ns: Namespace, options: { host: string; port: number; localPort: number; localAddress?: string }): Promise<Child> => start(ns, "connect", options);
/** A UDP socket, connected where a peer is named. */
export const datagrams = (ns: Namespace, options: { address: string; port: number; peer?: { address: string; port: number } }): Promise<Child> => start(ns, "udp", options);

/** Tries a connection, or sends a datagram from a connected socket, and says what became of it: "connected", or an error code. */
const ATTEMPT = `
const [proto, options] = JSON.parse(process.argv[1]);
const done = (answer) => { process.stdout.write(answer); process.exit(0); };
if (proto === "tcp") require("node:net").connect(options, () => done("connected")).on("error", (error) => done(error.code));
else {
  const socket = require("node:dgram").createSocket(options.host.includes(":") ? "udp6" : "udp4").on("error", (error) => done(error.code));
  socket.connect(options.port, options.host, () => socket.send("?"));
}`;

export async function attempt(ns: Namespace, proto: "tcp" | "udp", options: { host: string; port: number }): Promise<string> {
  return (await ns.exec(process.execPath, ["-e", ATTEMPT, JSON.stringify([proto, options])], { timeoutMs: 20_000 })).stdout;
}
