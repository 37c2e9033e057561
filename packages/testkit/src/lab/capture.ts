import { nativeHelper } from "../native.js";
import type { Child } from "../process/child.js";
import { waitFor, type WaitOptions } from "../util/wait-for.js";
import { checkDevice } from "./links.js";
import type { Place } from "./place.js";
import { RecordReader, type CapturedFrame } from "./records.js";

export type CaptureOptions = {
  /** Only frames for which it returns true are kept. */
  filter?: (frame: CapturedFrame) => boolean;
  /** Frames kept at most; later ones are counted in `overflow`. Default 100,000. */
  maxFrames?: number;
};

/** A running capture on one device. `frames` grows while it runs. */
export class Capture {
  readonly frames: CapturedFrame[] = [];
  /** Frames that passed the filter but not the limit `maxFrames`. */
  overflow = 0;
  #dropped: number | undefined;

  /** @internal use ns.capture */
  constructor(
    readonly dev: string,
    private readonly options: CaptureOptions,
  ) {}

  /** @internal */
  child: Child | undefined;

  /** @internal */
  add(frame: CapturedFrame): void {
    if (this.options.filter !== undefined && !this.options.filter(frame)) return;
    if (this.frames.length < (this.options.maxFrames ?? 100_000)) this.frames.push(frame);
    else this.overflow++;
  }

  /**
   * Waits for a frame, which may have come already, for which `predicate` is true, and returns it.
   *
   * @throws {WaitTimeoutError} after `deadlineMs` (default 5,000); {ChildExitError} when the capture has ended.
   */
  waitFor(predicate: (frame: CapturedFrame) => boolean, deadlineMs = 5_000, what = "a frame"): Promise<CapturedFrame> {
    const look = (): CapturedFrame => {
      const found = this.frames.find(predicate);
      if (found === undefined) throw new Error(`${this.frames.length} frames, but not this one`);
      return found;
    };
    return waitFor(look, this.waiting(`${what} on ${this.dev}`, deadlineMs));
  }

  /** Waits until `count` frames have been kept, and returns all. */
  async waitForCount(count: number, deadlineMs = 5_000): Promise<CapturedFrame[]> {
    const enough = (): boolean => {
      if (this.frames.length < count) throw new Error(`${this.frames.length} frames`);
      return true;
    };
    await waitFor(enough, this.waiting(`${count} frames on ${this.dev}`, deadlineMs));
    return this.frames;
  }

  /** Ends the capture after what the kernel has queued for it is read; returns the frames. May be called twice. */
  async stop(): Promise<CapturedFrame[]> {
    const child = this.child;
    if (child === undefined) return this.frames;
    await child.stop();
    const dropped = /^captured \d+ dropped (\d+)$/m.exec(child.log.toString())?.[1];
    if (dropped === undefined) throw child.exitError() ?? new Error(`the capture on ${this.dev} did not report its end`);
    this.#dropped = Number(dropped);
    return this.frames;
  }

  /** Frames lost because the helper was too slow; known after `stop`. */
  get dropped(): number | undefined {
    return this.#dropped;
  }
  private waiting(what: string, deadlineMs: number): WaitOptions {
    return { what, deadlineMs, giveUp: () => this.child?.exitError() };
  }
}

/** Starts a capture and resolves once the kernel delivers frames to it. @throws {ChildExitError} without such a device. */
export async function startCapture(ns: Place, dev: string, options: CaptureOptions = {}): Promise<Capture> {
  const reader = new RecordReader();
  const capture = new Capture(dev, options);
  const child = await ns.start({
    command: nativeHelper(),
    args: ["capture", checkDevice(dev)],
    what: `the capture on ${dev} in ${ns.name}`,
    onStdout: (chunk) => {
      for (const frame of reader.push(chunk)) capture.add(frame);
    },
  });
  capture.child = child;
  await waitFor(() => reader.ready, { what: `${child.what} to start`, giveUp: () => child.exitError() });
  return capture;
}
