import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AttachBusyError, BpfLink, ifIndex, queryXdp, removePin, type BpfProgram } from "libbpf-ts";
import { z } from "zod";
import type { Endpoint } from "../domain/endpoints.js";
import { run } from "./run.js";

export interface ContainerPortsOptions {
  /** Runs on the host's end: the container's answers. */
  readonly answers: BpfProgram;
  /** Runs on the container's end and keeps its NAPI on, without which a veth takes no redirected frames. */
  readonly passthrough: BpfProgram;
  /** Folder on the BPF file system for the pins. */
  readonly pinFolder: string;
  /** File in which it is kept what has to be put back as it was. */
  readonly undoFile: string;
  /** Path of the network namespace with the host's ends; default: our own. */
  readonly hostNetns?: string | undefined;
}

const Undo = z.record(z.string(), z.object({ netns: z.string(), device: z.string(), ifindex: z.int() }));
type Undo = z.output<typeof Undo>;

/** One end of a veth where a program runs. */
interface End {
  readonly program: BpfProgram;
  readonly device: string;
  readonly ifindex: number;
  readonly netns: string | undefined;
}

/**
 * Prepares containers' veths for frames that do not take the stack, and puts them back as they were: a program at either
 * end, and, in the container, TCP and UDP checksums that are complete when a frame leaves (a veth leaves them to the
 * stack otherwise). Links are pinned: forwarding goes on without the agent.
 */
export class ContainerPorts {
  readonly #options: ContainerPortsOptions;
  readonly #links = new Map<string, BpfLink>();
  #undo: Undo;

  constructor(options: ContainerPortsOptions) {
    this.#options = options;
    this.#undo = readUndo(options.undoFile);
  }

  /** Prepares one container's veth. @returns why that is not possible; undefined when it is done */
  async ensure(endpoint: Endpoint): Promise<string | undefined> {
    try {
      const [inner, port] = this.#ends(endpoint);
      this.#attach(inner);
      await this.#completeChecksums(inner);
      this.#attach(port);
      return undefined;
    } catch (error) {
      if (error instanceof AttachBusyError) return `${endpoint.port.name} or ${endpoint.inner.name} in ${endpoint.netns} runs another XDP program: detach that one first`;
      return (error as Error).message;
    }
  }

  /** Puts back everything but these, also what an earlier run of the agent left. */
  async keepOnly(endpoints: readonly Endpoint[]): Promise<void> {
    const wanted = new Set(endpoints.flatMap((endpoint) => this.#ends(endpoint).map(pinName)));
    for (const name of this.#pins()) if (!wanted.has(name)) this.#detach(name);
    for (const name of Object.keys(this.#undo)) if (!wanted.has(name)) await this.#restoreChecksums(name);
  }

  /** Lets go; what is attached stays. */
  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #ends({ port, inner, netns }: Endpoint): [inner: End, port: End] {
    const { answers, passthrough, hostNetns } = this.#options;
    return [
      { program: passthrough, device: inner.name, ifindex: inner.ifindex, netns },
      { program: answers, device: port.name, ifindex: port.ifindex, netns: hostNetns },
    ];
  }

  #attach(end: End): void {
    const name = pinName(end);
    const pin = join(this.#options.pinFolder, name);
    const where = end.netns === undefined ? {} : { netns: end.netns };
    if (!this.#links.has(name) && existsSync(pin)) this.#links.set(name, BpfLink.fromPin(pin));
    const held = this.#links.get(name);
    if (held) {
      const { ifindex, programId } = held.info();
      if (ifindex === end.ifindex && queryXdp(end.device, where).programId === programId) {
        if (programId !== end.program.id) held.update(end.program);
        return;
      }
      this.#detach(name);
    }
    mkdirSync(this.#options.pinFolder, { recursive: true, mode: 0o700 });
    const link = end.program.attachXdp(end.device, { mode: "native", ...where });
    this.#links.set(name, link);
    link.pin(pin);
  }

  #detach(name: string): void {
    const pin = join(this.#options.pinFolder, name);
    const link = this.#links.get(name) ?? (existsSync(pin) ? BpfLink.fromPin(pin) : undefined);
    this.#links.delete(name);
    if (existsSync(pin)) removePin(pin);
    if (link && link.info().ifindex !== 0) link.detach();
    link?.close();
  }

  async #completeChecksums(end: End): Promise<void> {
    const name = pinName(end);
    const { netns, device, ifindex } = end;
    if (netns === undefined || this.#undo[name]) return;
    const features = await run(netns, "ethtool", ["-k", device]);
    if (!/^tx-checksumming: on$/m.test(features)) return;
    // Noted first: should the agent die in between, it puts back what was never changed.
    this.#undo = { ...this.#undo, [name]: { netns, device, ifindex } };
    this.#writeUndo();
    await run(netns, "ethtool", ["-K", device, "tx", "off"]);
  }

  async #restoreChecksums(name: string): Promise<void> {
    const { [name]: entry, ...rest } = this.#undo;
    if (entry && isStill(entry)) await run(entry.netns, "ethtool", ["-K", entry.device, "tx", "on"]).catch(() => undefined); // gone with its container
    this.#undo = rest;
    this.#writeUndo();
  }

  #pins(): string[] {
    return existsSync(this.#options.pinFolder) ? readdirSync(this.#options.pinFolder).filter((name) => PIN.test(name)) : [];
  }

  #writeUndo(): void {
    const file = this.#options.undoFile;
    if (Object.keys(this.#undo).length === 0) {
      rmSync(file, { force: true });
      return;
    }
    writeFileSync(`${file}.new`, JSON.stringify(this.#undo), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

const PIN = /^service-[0-9a-f]{24}$/;

const pinName = ({ netns, device, ifindex }: End): string =>
  `service-${createHash("sha256").update(`${netns ?? ""}\0${device}\0${ifindex}`).digest("hex").slice(0, 24)}`;

function isStill({ netns, device, ifindex }: Undo[string]): boolean {
  try {
    return ifIndex(device, { netns }) === ifindex;
  } catch {
    return false;
  }
}

/** A file that cannot be read loses the notes of an earlier run, which at worst leaves a container's checksums to software. */
function readUndo(file: string): Undo {
  try {
    const read = Undo.safeParse(JSON.parse(readFileSync(file, "utf8")));
    return read.success ? read.data : {};
  } catch {
    return {};
  }
}
