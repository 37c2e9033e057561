import { hostname, release } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { ServiceKit } from "@secuxflow/service-kit";
import { connectNats, FramePublisher, natsOptions, provision } from "@secuxflow/nats";
import { RingBuffer } from "libbpf-ts";
import { XdpAttachments } from "./attachment/xdp-attachments.js";
import type { AgentConfig } from "./config.js";
import { BpfKernel } from "./dataplane/adapters/bpf-kernel.js";
import { openPinnedObject, removePinFolder } from "./dataplane/adapters/pinned-object.js";
import { DataPlane } from "./dataplane/application/data-plane.js";
import { KERNEL_LIMITS } from "./dataplane/domain/layout.js";
import { LastGoodFile } from "./policy/adapters/last-good-file.js";
import { followPolicy } from "./policy/adapters/policy-feed.js";
import { LastGoodCorrupt } from "./policy/application/last-good.js";
import { PolicyApplier } from "./policy/application/policy-applier.js";
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
    globals: { flow_hash_seed: config.sampling.hashSeed },
  });
  if (pinned.discarded !== undefined) logger.warn({ reason: pinned.discarded }, "the maps of an earlier run do not fit: starting with fresh ones");
  const kernel = new BpfKernel(pinned.maps);
  kernel.writeAllowList(config.allow);
  const plane = new DataPlane(kernel);
  const program = pinned.object.program("secuxflow");
  const attachments = new XdpAttachments({
    program, pinFolder: pinned.folder, interfaces: config.interfaces,
    onEvent: (level, name, message) => { logger[level]({ interface: name }, message); },
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

  const lastGood = new LastGoodFile(join(config.stateDir, `${config.policy}.last-good`), config.policy);
  const stopped = new AbortController();
  const applier = new PolicyApplier({
    plane,
    save: (policy) => lastGood.save(policy),
    onApplied: (revision) => {
      logger.debug({ revision }, "in force");
      reporter.reportStatus();
    },
    onProblem: (kind, problem) => { problems.set(kind, problem); },
  });
  const reporter = new Reporter({
    link, agentId: config.agentId, policy: config.policy, host: hostname(), version, kernel: release(), capacity: { rules: KERNEL_LIMITS.rules, forwards: KERNEL_LIMITS.forwards },
    plane, policyState: () => applier.state, attachments, problems, sampling: assembler, wallMinusMonotonic, intervalMs: config.intervals.status,
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
      if (kept) await applier.restore(kept);
    } catch (error) {
      if (!(error instanceof LastGoodCorrupt)) throw error;
      problems.set("last-good", `the kept policy is damaged (${error.message}) and was not loaded; what stands in the kernel stays until NATS delivers the policy`);
    }
  };

  const watchAttachments = (): NodeJS.Timeout => setInterval(() => {
    if (attachments.reconcile()) reporter.reportStatus();
  }, config.intervals.attachment);

  const start = async (): Promise<void> => {
    // The policy first, then the interfaces: no packet passes a filter that is still empty.
    await restore();
    attachments.resume();
    attachments.reconcile();
    pump.start();
    const watching = watchAttachments();
    reporter.start();
    const following = provision(link, { signal: stopped.signal })
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) problems.set("provision", (error as Error).message);
      })
      .then(() => followPolicy({ link, policy: config.policy, applier, problems, signal: stopped.signal, onCaughtUp: () => { reporter.reportStatus(); } }));

    shutdown.add("intake", "policy", async () => {
      clearInterval(watching);
      stopped.abort();
      await following;
    });
    shutdown.add("drain", "samples", () => { pump.stop(); });
    shutdown.add("drain", "last good policy", () => applier.idle());
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
