import { hostname, release } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { POLICY_LIMITS } from "@secuxflow/contracts";
import type { ServiceKit } from "@secuxflow/service-kit";
import { connectNats, FramePublisher, natsOptions, provision } from "@secuxflow/nats";
import { RingBuffer } from "libbpf-ts";
import { XdpAttachments } from "./attachment/xdp-attachments.js";
import type { AgentConfig } from "./config.js";
import { BpfKernel } from "./dataplane/adapters/bpf-kernel.js";
import { openPinnedObject, otherLayouts, removePinFolder } from "./dataplane/adapters/pinned-object.js";
import { WorkerCompiler } from "./dataplane/adapters/worker-compiler.js";
import { DataPlane } from "./dataplane/application/data-plane.js";
import { PolicyNotApplicable } from "./dataplane/domain/names.js";
import { KERNEL_LIMITS } from "./dataplane/domain/layout.js";
import { DefenceMaps, defenceMapsOf } from "./defence/adapters/defence-maps.js";
import { readNetwork } from "./defence/adapters/host-network.js";
import { Defence } from "./defence/application/defence.js";
import { LastGoodFile } from "./policy/adapters/last-good-file.js";
import { followPolicy } from "./policy/adapters/policy-feed.js";
import { LastGoodCorrupt } from "./policy/application/last-good.js";
import { PolicyApplier } from "./policy/application/policy-applier.js";
import { makeServices } from "./services/adapters/make-services.js";
import { SamplePump } from "./sampling/application/sample-pump.js";
import { FrameAssembler } from "./sampling/application/frame-assembler.js";
import { agentMetrics } from "./telemetry/metrics.js";
import { Problems } from "./telemetry/problems.js";
import { Reporter } from "./telemetry/reporter.js";

/** What the agent is made of, started in the order that keeps traffic filtered at every moment. */
export interface Parts {
  start(): Promise<void>;
}

const wallMinusMonotonic = (): bigint => BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Puts the agent together and loads the program; nothing is attached before `start`. */
export function makeParts(kit: ServiceKit<AgentConfig>, version: string): Parts {
  const { config, logger, shutdown, health } = kit;
  const problems = new Problems((key, problem) => {
    if (problem === undefined) logger.info({ problem: key }, "problem is over");
    else logger.warn({ problem: key }, problem);
  });
  const pinned = openPinnedObject({
    objectPath: config.bpf.object, pinFolder: config.bpf.pinFolder, ringBytes: config.sampling.ringBytes,
    imageBytes: config.capacity.imageBytes, setBytes: config.capacity.setBytes,
    globals: { flow_hash_seed: config.sampling.hashSeed },
  });
  if (pinned.discarded !== undefined) logger.warn({ reason: pinned.discarded }, "the maps of an earlier run do not fit: starting with fresh ones");
  const attachments = new XdpAttachments({
    program: pinned.object.program("secuxflow"), pinFolder: pinned.folder, otherFolders: otherLayouts(config.bpf.pinFolder), interfaces: config.interfaces,
    onEvent: (level, name, message) => { logger[level]({ interface: name }, message); },
  });
  const services = makeServices({
    object: pinned.object, pinFolder: config.bpf.pinFolder, stateDir: config.stateDir, netns: config.services.netns, dockerSocket: config.services.docker,
    filtered: () => attachments.interfaces.filter(({ netns }) => netns === config.services.netns).map(({ name, mode }) => ({ name, native: mode === "native" })),
    snaplen: config.services.snaplen, intervalMs: config.services.interval, wallMinusMonotonic,
    // SYN protection and the state of connections ask the sockets of services, too.
    onSpaces: (spaces) => { defence.setServices(spaces); },
    onProblem: (key, problem) => { problems.set(`service ${key}`, problem === undefined ? undefined : `service ${key}: ${problem}`); },
  });
  const kernel = new BpfKernel(pinned.maps);
  kernel.writeAllowList(config.allow);
  const plane = new DataPlane({
    kernel, compiler: new WorkerCompiler(), ifindexes: (name) => attachments.ifindexes(name),
    serviceIndex: (name) => {
      const index = services.manager.indices.get(name);
      if (index === undefined) throw new PolicyNotApplicable(`service ${name} is not served by this agent, but a rule redirects to it`);
      return index;
    },
    onProblem: (problem) => { problems.set("image", problem); },
  });

  const defence = new Defence({
    port: new DefenceMaps(defenceMapsOf(pinned.object)), readNetwork, namespaces: [...new Set(config.interfaces.map((one) => one.netns))],
  });

  const link = connectNats({ ...natsOptions(config.nats), name: `${kit.info.name}-${config.agentId}`, log: logger });
  // Frames have a connection of their own: a flood of samples must not delay the policy or the reports.
  const frameLink = connectNats({ ...natsOptions(config.nats), name: `${kit.info.name}-${config.agentId}-frames`, log: logger });
  const frames = new FramePublisher(frameLink, { maxOutstandingBytes: config.sampling.outstandingBytes });
  const assembler = new FrameAssembler({
    publisher: randomBytes(8).readBigUInt64LE(), maxFrameBytes: config.sampling.frameBytes, wallMinusMonotonic,
    // The client keeps the bytes until its next flush, the assembler writes the next frame over them.
    sink: (partition, frame) => frames.publish(config.sampling.pool, partition, frame.slice()),
  });
  const ring = new RingBuffer(pinned.maps.samples);
  const pump = new SamplePump(ring, assembler);

  const lastGood = new LastGoodFile({
    path: join(config.stateDir, `${config.policy}.last-good`), policy: config.policy,
    onSaved: (problem) => {
      problems.set("disk", problem);
      // What was damaged has been written anew.
      if (problem === undefined) problems.set("last-good", undefined);
    },
  });
  const stopped = new AbortController();
  const applier = new PolicyApplier({
    plane: {
      get revision() { return plane.revision; },
      // Services first: rules that redirect name them by their index.
      apply: async (change) => {
        await services.manager.setPolicy(change.state);
        await plane.apply(change);
      },
      adopt: (state) => {
        void services.manager.setPolicy(state);
        return plane.adopt(state);
      },
    },
    keep: (policy) => { lastGood.keep(policy); },
    onApplied: (revision) => {
      logger.debug({ revision }, "in force");
      void defence.configure(applier.state.protection);
      switchOver();
      reporter.reportStatus();
    },
    onProblem: (kind, problem) => { problems.set(kind, problem); },
  });
  const reporter = new Reporter({
    link, agentId: config.agentId, policy: config.policy, host: hostname(), version, kernel: release(),
    capacity: { rules: KERNEL_LIMITS.rules, forwards: KERNEL_LIMITS.forwards, sets: POLICY_LIMITS.sets, setEntries: POLICY_LIMITS.setEntries, services: POLICY_LIMITS.services },
    plane, policyState: () => applier.state, services: () => services.manager.status(), attachments, problems, defence, sampling: assembler, wallMinusMonotonic, intervalMs: config.intervals.status,
    log: logger,
  });
  agentMetrics(kit.metrics, { reporter, plane, attachments });
  health.register("nats", () => ({ status: link.state() === "connected" ? "ok" : "down", detail: link.status().detail }), { critical: false });
  health.register("filter", () => {
    const missing = attachments.interfaces.filter((one) => one.mode === "detached").map((one) => one.name);
    return missing.length === 0 ? { status: "ok", detail: `revision ${plane.revision}` } : { status: "degraded", detail: `not filtering ${missing.join(", ")}` };
  });
  health.register("policy", () => (problems.list().length === 0 ? { status: "ok" } : { status: "degraded", detail: problems.list().join("; ") }));

  const restore = async (): Promise<void> => {
    try {
      const kept = await lastGood.load();
      if (!kept) return;
      if (kept.damage !== undefined) problems.set("last-good", `the kept policy is damaged after revision ${kept.revision} (${kept.damage}); the rest comes from NATS`);
      await applier.restore(kept);
      if (kept.damage !== undefined && plane.revision === kept.revision) lastGood.keep({ revision: kept.revision, state: kept.state, messages: undefined });
    } catch (error) {
      if (!(error instanceof LastGoodCorrupt)) throw error;
      problems.set("last-good", `the kept policy is damaged (${error.message}) and was not loaded; what stands in the kernel stays until NATS delivers the policy`);
    }
  };

  let awaited = false;
  /** Replaces the program of an earlier agent, once ours has a policy: until then the earlier one goes on filtering. */
  const switchOver = (): void => {
    if (!awaited) return;
    awaited = false;
    attachments.switchOver();
    attachments.reconcile();
    problems.set("switch-over", undefined);
    for (const folder of otherLayouts(config.bpf.pinFolder)) removePinFolder(folder);
  };

  const refreshInterfaces = (): void => {
    plane.refreshInterfaces().then(
      () => { problems.set("interfaces", undefined); },
      (error: unknown) => { problems.set("interfaces", `rules that name interfaces are not up to date: ${error instanceof Error ? error.message : String(error)}`); },
    );
  };

  const watchAttachments = (): NodeJS.Timeout => setInterval(() => {
    if (!attachments.reconcile()) return;
    refreshInterfaces();
    reporter.reportStatus();
  }, config.intervals.attachment);

  const start = async (): Promise<void> => {
    // The policy first, then the interfaces: no packet passes a filter that is still empty.
    await restore();
    // Without a policy, what an earlier run left stays in force.
    if (applier.revision > 0 || !pinned.resumed) await defence.configure(applier.state.protection);
    defence.start();
    awaited = attachments.resume();
    if (pinned.resumed || plane.revision > 0 || !awaited) {
      awaited = true;
      switchOver();
    } else {
      problems.set("switch-over", "the filter of the agent before goes on as it was until the policy arrives: there is no kept policy to start with");
    }
    attachments.reconcile();
    refreshInterfaces();
    await services.manager.start();
    pump.start();
    const watching = watchAttachments();
    reporter.start();
    const caughtUp = (): void => {
      if (plane.revision === applier.revision) switchOver();
      reporter.reportStatus();
    };
    const following = provision(link, { signal: stopped.signal })
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) problems.set("provision", (error as Error).message);
      })
      .then(() => followPolicy({ link, policy: config.policy, applier, problems, signal: stopped.signal, onCaughtUp: caughtUp }));

    shutdown.add("intake", "policy", async () => {
      clearInterval(watching);
      stopped.abort();
      await following;
    });
    shutdown.add("drain", "services", () => (config.bpf.onExit === "detach" ? services.detach() : services.close()));
    shutdown.add("drain", "defence", () => defence.stop());
    shutdown.add("drain", "samples", () => { pump.stop(); });
    shutdown.add("drain", "last good policy", async () => {
      await applier.idle();
      await plane.close();
      await lastGood.close();
    });
    shutdown.add("drain", "reports", () => reporter.stop());
    shutdown.add("close", "nats", () => Promise.all([link.drain(), frameLink.drain()]));
    shutdown.add("close", "kernel", () => {
      ring.close();
      if (config.bpf.onExit === "detach") attachments.detach();
      else attachments.close();
      pinned.object.close();
      if (config.bpf.onExit === "detach") removePinFolder(config.bpf.pinFolder);
    });
  };
  return { start };
}
