import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildFrame } from "../packet/build.js";
import { decodeFrame } from "../packet/decode.js";
import { needs } from "../requirements/requirements.js";
import { repoRoot } from "../util/repo-root.js";
import { waitFor } from "../util/wait-for.js";
import { httpGet, httpRequest, httpServer } from "./http.js";
import { listNamespaces } from "./ip.js";
import { Lab } from "./lab.js";
import { startTimeOf } from "../process/owner.js";
import { simpleLab, type SimpleLab } from "./simple-lab.js";

const PREFIX = `tk${process.pid}`;
const leftovers = (): string[] => listNamespaces().filter((name) => name.startsWith(`${PREFIX}.`));

needs(describe, "netns")("a simple lab", () => {
  let lab: SimpleLab;
  beforeAll(async () => {
    lab = await simpleLab({ prefix: PREFIX });
  });
  afterAll(() => lab.destroy());

  const frame = (payload: string, more = {}): Buffer =>
    buildFrame({
      eth: { src: lab.access.mac, dst: lab.uplink.mac },
      ipv4: { src: lab.clientIp, dst: lab.hostIp },
      udp: { srcPort: 4000, dstPort: 4001 },
      payload,
      ...more,
    });

  it("tells where things are", async () => {
    expect(existsSync(lab.netnsPath)).toBe(true);
    expect(lab.uplink).toMatchObject({ dev: "up0", mac: "02:00:00:77:00:01", addresses: ["10.77.0.1/24", "fd00:77::1/64"] });
    expect(await lab.host.interface("up0")).toMatchObject({ ifindex: lab.uplink.ifindex });
  });

  it("carries frames from one namespace to the other, byte for byte and in order", async () => {
    const isOurs = (data: Buffer): boolean => decodeFrame(data).udp?.dstPort === 4001;
    const [sender, receiver] = await Promise.all([
      lab.client.capture("eth0", { filter: ({ data }) => isOurs(data) }),
      lab.host.capture("up0", { filter: ({ data }) => isOurs(data) }),
    ]);
    const frames = [
      frame("one"),
      frame("two", { vlan: [{ vid: 42 }] }),
      frame("three", { vlan: [{ vid: 7, tpid: 0x88a8 }, { vid: 8 }] }),
    ];
    expect(await lab.client.send("eth0", frames)).toBe(3);
    await receiver.waitForCount(3);
    expect((await receiver.stop()).map(({ data }) => data)).toEqual(frames);
    expect((await sender.stop()).map(({ data }) => data)).toEqual(frames);
    expect(receiver.frames.map(({ direction }) => direction)).toEqual(["in", "in", "in"]);
    expect(sender.frames.map(({ direction }) => direction)).toEqual(["out", "out", "out"]);
    expect(receiver.dropped).toBe(0);
    await expect(receiver.stop()).resolves.toHaveLength(3);
  });

  it("keeps everything of a burst and repeats a list", async () => {
    const capture = await lab.host.capture("up0", { filter: ({ data }) => decodeFrame(data).udp?.dstPort === 4001 });
    expect(await lab.client.send("eth0", [frame("a"), frame("b")], { repeat: 5_000 })).toBe(10_000);
    await capture.waitForCount(10_000);
    await capture.stop();
    expect([capture.frames.length, capture.dropped]).toEqual([10_000, 0]);
    expect(capture.frames.every(({ data }, i) => data.equals(frame(i % 2 === 0 ? "a" : "b")))).toBe(true);
  });

  it("limits a capture and counts the rest", async () => {
    const filter = ({ data }: { data: Buffer }): boolean => decodeFrame(data).udp?.dstPort === 4001;
    const capture = await lab.host.capture("up0", { filter, maxFrames: 3 });
    await lab.client.send("eth0", [frame("x")], { repeat: 5, pps: 1_000 });
    await waitFor(() => capture.overflow === 2, { what: "two frames over the limit" });
    expect(capture.frames).toHaveLength(3);
    await capture.stop();
  });

  it("refuses frames that cannot be sent", async () => {
    await expect(lab.client.send("eth0", [Buffer.alloc(0)])).rejects.toThrow("frame 0 has 0 bytes");
    await expect(lab.client.send("eth0", [frame("ok"), frame("y".repeat(3_000))])).rejects.toThrow(
      /frame 1 of 3042 bytes on eth0.*too long/,
    );
    await expect(lab.client.send("nosuch", [frame("ok")])).rejects.toThrow(/nosuch.*No such device/);
    await expect(lab.client.capture("nosuch")).rejects.toThrow(/nosuch.*No such device/);
  });

  it("says what was awaited when a frame does not come", async () => {
    const capture = await lab.host.capture("up0", { filter: () => false });
    await expect(capture.waitFor(() => true, 50, "a miracle")).rejects.toThrow(/waited 50 ms for a miracle on up0.*0 frames/);
    await capture.stop();
  });

  it("serves HTTP over IPv4 and IPv6, with complete checksums on the wire", async () => {
    const server = await httpServer(lab.host, { host: "::", port: 8080, body: "from the host" });
    const capture = await lab.client.capture("eth0", { filter: ({ data }) => decodeFrame(data).tcp !== undefined });
    const attack = "/?id=1'%20OR%20'1'='1&../..//x";
    expect(await httpGet(lab.client, `http://${lab.hostIp}:8080${attack}`)).toMatchObject({
      status: 200,
      body: "from the host",
    });
    const posted = await httpRequest(lab.client, `http://[${lab.hostIp6}]:8080/p`, {
      method: "POST",
      body: "q=1",
      headers: { "x-a": "b" },
    });
    expect(posted.status).toBe(200);
    await waitFor(() => server.requests.length === 2, { what: "both requests in the server's notes" });
    expect(server.requests[0]).toMatchObject({ method: "GET", url: attack, from: `::ffff:${lab.clientIp}` });
    expect(server.requests[1]).toMatchObject({ method: "POST", url: "/p", body: "q=1", from: lab.clientIp6 });
    await server.stop();
    await capture.stop();
    expect(capture.frames.some(({ data }) => decodeFrame(data).payload.includes("OR%20"))).toBe(true);
    expect(capture.frames.filter(({ checksumPending }) => checksumPending)).toEqual([]);
    expect(capture.frames.map(({ data }) => decodeFrame(data).checksums.transport)).not.toContain("wrong");
    await expect(httpGet(lab.client, `http://${lab.hostIp}:8080/`)).rejects.toThrow("ECONNREFUSED");
    await expect(httpGet(lab.client, `http://10.77.0.99:8080/`, { timeoutMs: 100 })).rejects.toThrow(/TIMEOUT/);
  });

  it("sets routes, neighbours and kernel parameters, which stay in the namespace", async () => {
    await lab.host.sysctl("net.ipv4.ip_forward", 1);
    expect((await lab.host.exec("cat", ["/proc/sys/net/ipv4/ip_forward"])).stdout).toBe("1\n");
    expect((await lab.client.exec("cat", ["/proc/sys/net/ipv4/ip_forward"])).stdout).toBe("0\n");
    await expect(lab.host.sysctl("kernel.panic", 1)).rejects.toThrow("not a parameter under net/");
    await lab.client.route("10.99.0.0/16", { via: lab.hostIp });
    expect(await lab.client.ip("route", "get", "10.99.1.2")).toContain(`via ${lab.hostIp}`);
    await lab.client.neigh("eth0", "10.77.0.50", "02:00:00:00:00:50");
    expect(await lab.client.ip("neighbour", "show", "10.77.0.50")).toContain("02:00:00:00:00:50 PERMANENT");
  });

  it("returns exit code and output, takes input, and stops what takes too long", async () => {
    expect(await lab.host.exec("cat", [], { input: "in" })).toEqual({ code: 0, stdout: "in", stderr: "" });
    expect((await lab.host.exec("sh", ["-c", "echo no >&2; exit 3"], { check: false })).code).toBe(3);
    await expect(lab.host.exec("sh", ["-c", "echo no >&2; exit 3"])).rejects.toThrow(/exit code 3\s+no/);
    await expect(lab.host.exec("sleep", ["60"], { timeoutMs: 50 })).rejects.toThrow("killed after 50 ms");
    expect((await lab.host.exec("readlink", ["/proc/self/ns/net"])).stdout).not.toBe(
      (await lab.client.exec("readlink", ["/proc/self/ns/net"])).stdout,
    );
  });
});

needs(describe, "netns")("a lab's life", () => {
  afterEach(async () => {
    await Lab.sweep(PREFIX);
  });

  it("bridges devices of one namespace", async () => {
    const lab = await Lab.create({ prefix: PREFIX });
    const [left, middle, right] = [await lab.ns("left"), await lab.ns("middle"), await lab.ns("right")];
    await lab.link({ a: { ns: left, dev: "eth0", addresses: ["10.1.0.1/24"] }, b: { ns: middle, dev: "p1" } });
    await lab.link({ a: { ns: right, dev: "eth0", addresses: ["10.1.0.2/24"] }, b: { ns: middle, dev: "p2" } });
    await middle.bridge("br0", ["p1", "p2"], ["10.1.0.3/24"]);
    const server = await httpServer(right, { port: 80 });
    expect((await httpGet(left, "http://10.1.0.2/")).status).toBe(200);
    await server.stop();
    await lab.destroy();
  });

  it("refuses names that do not fit", async () => {
    await expect(Lab.create({ prefix: "a/b" })).rejects.toThrow('"a/b" cannot name a namespace');
    const lab = await Lab.create({ prefix: PREFIX });
    const ns = await lab.ns("one");
    await expect(lab.ns("one")).rejects.toThrow("already");
    await expect(lab.link({ a: { ns, dev: "sixteen-letters-" }, b: { ns, dev: "b" } })).rejects.toThrow(
      "cannot name an interface",
    );
    expect(() => lab.get("two")).toThrow("it has one");
    await lab.destroy();
    await expect(lab.ns("late")).rejects.toThrow("destroyed");
  });

  it("leaves nothing after destroy: no namespace, no interface, no process", async () => {
    const interfaces = readdirSync("/sys/class/net");
    const lab = await simpleLab({ prefix: PREFIX });
    const child = await lab.host.spawn("sleep", ["1000"]);
    const forked = await lab.host.exec("sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]);
    expect(leftovers()).toHaveLength(2);
    expect(existsSync(`/proc/${forked.stdout.trim()}`)).toBe(true);
    await lab.destroy();
    await lab.destroy();
    expect(leftovers()).toEqual([]);
    expect(child.status).toEqual({ code: null, signal: "SIGKILL" });
    await waitFor(() => !isRunning(forked.stdout.trim()), { what: "the forked process to be gone" });
    expect(readdirSync("/sys/class/net")).toEqual(interfaces);
  });

  it("sweeps what a killed owner left, with its processes, and nothing of a live one", async () => {
    const mine = await Lab.create({ prefix: PREFIX });
    await mine.ns("mine");
    const owner = await startOwner();
    expect(leftovers()).toHaveLength(3);
    expect(await Lab.sweep(PREFIX)).toEqual([]);
    owner.child.kill("SIGKILL");
    await once(owner.child, "close");
    // The kernel kills what was started with the lab; a process that was forked from it stays for the sweep.
    await waitFor(() => !isRunning(owner.spawned), { what: "the spawned process to die with its parent" });
    expect(isRunning(owner.forked)).toBe(true);
    expect((await Lab.sweep(PREFIX)).map((name) => name.split(".").at(-1)).sort()).toEqual(["client", "host"]);
    expect(leftovers().map((name) => name.split(".").at(-1))).toEqual(["mine"]);
    await waitFor(() => !isRunning(owner.forked), { what: "the forked process to be gone" });
    await mine.destroy();
  });
});

const isRunning = (pid: string): boolean => startTimeOf(Number(pid)) !== undefined;

/** A process that makes a lab of the same prefix and then waits. */
async function startOwner() {
  const kit = pathToFileURL(`${repoRoot()}/packages/testkit/dist/index.js`).href;
  const program = `
    const { simpleLab } = await import(${JSON.stringify(kit)});
    const lab = await simpleLab({ prefix: ${JSON.stringify(PREFIX)} });
    const spawned = (await lab.host.spawn("sleep", ["1000"])).pid;
    const { stdout } = await lab.host.exec("sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]);
    console.log(JSON.stringify({ spawned: String(spawned), forked: stdout.trim() }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, ...(JSON.parse(line) as { spawned: string; forked: string }) };
}
