/** BPF_PROG_TEST_RUN: a program on a packet of one's own (kernel: Documentation/bpf/bpf_prog_run.rst). */
import { integer, u32 } from "./arguments.js";
import { withLog } from "./call.js";
import { ArgumentError } from "./errors.js";
import { checkAnswer, netnsArgument, type NetnsOptions } from "./interface.js";
import { native } from "./native.js";
import type { BpfProgram } from "./program.js";

export interface TestRunOptions extends NetnsOptions {
  /** The packet; XDP and tc programs need an Ethernet header (14 bytes) at least. Left out for program types without one. */
  data?: Uint8Array;
  /** Runs; by default 1. With {@link liveFrames} the number of packets. */
  repeat?: number;
  /** The context: struct xdp_md ({@link xdpContext}) or struct __sk_buff. */
  ctx?: Uint8Array;
  /** Bytes kept for the packet afterwards; by default the packet's size and 512 more. 0: do not copy it back. */
  dataOutSize?: number;
  /** XDP: really send, redirect and pass the packets (BPF_F_TEST_XDP_LIVE_FRAMES, kernel 5.18). No data and ctx come back. */
  liveFrames?: boolean;
  /** With liveFrames: packets a batch, at most 256. */
  batchSize?: number;
  /** CPU to run on; only program types that can choose one (raw tracepoints). */
  cpu?: number;
}

export interface TestRunResult {
  /** Return code of the last run. */
  retval: number;
  /** Average of one run. */
  durationNs: number;
  /** The packet after the last run; empty with liveFrames or dataOutSize 0. */
  data: Buffer;
  /** The context afterwards; empty when none was given. */
  ctx: Buffer;
}

const RUN_ON_CPU = 1 << 0;
const LIVE_FRAMES = 1 << 1;
const GROWTH = 512;

/**
 * Runs a program without attaching it. Synchronous: many repetitions block the thread.
 * @throws {BpfError} EINVAL: packet or context do not fit the program type; ENOSPC: dataOutSize is too small
 * @throws {NotSupportedError} the program type has no test runs
 */
export function testRun(program: BpfProgram, options: TestRunOptions): TestRunResult {
  if (options.data !== undefined && !(options.data instanceof Uint8Array)) {
    throw new ArgumentError("data", "must be a Buffer or Uint8Array");
  }
  if (options.ctx !== undefined && !(options.ctx instanceof Uint8Array)) {
    throw new ArgumentError("ctx", "must be a Buffer or Uint8Array");
  }
  const live = options.liveFrames ?? false;
  const defaultOut = options.data === undefined ? 0 : options.data.length + GROWTH;
  const outSize = live ? 0 : integer(options.dataOutSize ?? defaultOut, "dataOutSize", 0, 1 << 28);
  const data = Buffer.alloc(outSize);
  const ctx = Buffer.alloc(live ? 0 : (options.ctx?.length ?? 0));
  void program.fd; // throws when closed
  const { result, log } = withLog(() => native().programTestRun(program.handle, {
    data: options.data ?? null,
    dataOut: data.length === 0 ? null : data,
    ctx: options.ctx ?? null,
    ctxOut: ctx.length === 0 ? null : ctx,
    repeat: integer(options.repeat ?? 1, "repeat", 1, 0x7fffffff),
    flags: (live ? LIVE_FRAMES : 0) | (options.cpu === undefined ? 0 : RUN_ON_CPU),
    cpu: u32(options.cpu ?? 0, "cpu"),
    batchSize: integer(options.batchSize ?? 0, "batchSize", 0, 256),
    netns: netnsArgument(options),
  }));
  checkAnswer(result, "test run", program.label, log);
  return {
    retval: result.retval, durationNs: result.durationNs,
    data: data.subarray(0, Math.min(result.dataSize, data.length)), ctx: ctx.subarray(0, Math.min(result.ctxSize, ctx.length)),
  };
}

/**
 * A struct xdp_md for {@link testRun}. The interface is looked up in the namespace of the run.
 * @param packet its length goes into data_end
 * @param metadata bytes before the packet, part of the data given to the run (a multiple of 4, at most 255)
 */
export function xdpContext(
  packet: Uint8Array, fields: { ingressIfindex?: number; rxQueueIndex?: number; metadata?: number } = {},
): Buffer {
  const ctx = Buffer.alloc(24);
  ctx.writeUInt32LE(fields.metadata ?? 0, 0); // data
  ctx.writeUInt32LE(packet.length, 4); // data_end
  ctx.writeUInt32LE(0, 8); // data_meta
  ctx.writeUInt32LE(u32(fields.ingressIfindex ?? 0, "ingressIfindex"), 12);
  ctx.writeUInt32LE(u32(fields.rxQueueIndex ?? 0, "rxQueueIndex"), 16);
  return ctx;
}
