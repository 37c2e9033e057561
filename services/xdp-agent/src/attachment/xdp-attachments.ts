import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AgentInterface } from "@secuxflow/contracts";
import { BpfLink, isNotSupported, queryXdp, removePin, type BpfProgram } from "libbpf-ts";
import { attachmentAction, reportInterface, type FoundInterface, type WantedInterface } from "./plan.js";

export interface AttachmentsOptions {
  readonly program: BpfProgram;
  readonly pinFolder: string;
  readonly interfaces: readonly WantedInterface[];
  /** Told of what an operator should know: generic mode, an interface that is missing or taken. */
  readonly onEvent: (level: "info" | "warn", interfaceName: string, message: string) => void;
}

const label = ({ name, netns }: WantedInterface): string => (netns === undefined ? name : `${name} in ${netns}`);

/**
 * Keeps the program attached to the configured interfaces. Links are pinned, so that filtering goes on without the
 * agent; `reconcile` looks at each interface and puts the program back where somebody took it away.
 */
export class XdpAttachments {
  readonly #options: AttachmentsOptions;
  readonly #links = new Map<WantedInterface, BpfLink>();
  readonly #problems = new Map<WantedInterface, string>();
  #reports: AgentInterface[] = [];

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  get problems(): string[] {
    return [...this.#problems.values()];
  }

  get interfaces(): AgentInterface[] {
    return this.#reports;
  }

  /** Takes over the pinned links of an earlier run: one atomic update each, no packet passes between the programs. */
  resume(): void {
    for (const wanted of this.#options.interfaces) {
      const pin = this.#pin(wanted);
      if (!existsSync(pin)) continue;
      const link = BpfLink.fromPin(pin);
      const found = find(wanted);
      if (link.info().ifindex === found?.ifindex) {
        link.update(this.#options.program);
        this.#links.set(wanted, link);
        this.#options.onEvent("info", wanted.name, `took over the filter on ${label(wanted)} without a gap`);
      } else {
        link.unpin();
        link.close();
      }
    }
  }

  /** Attaches where it is missing. Returns whether anything changed. */
  reconcile(): boolean {
    const before = JSON.stringify([this.#reports, this.problems]);
    this.#reports = this.#options.interfaces.map((wanted) => this.#reconcileOne(wanted));
    return JSON.stringify([this.#reports, this.problems]) !== before;
  }

  /** Detaches everywhere at once and removes the pins. */
  detach(): void {
    for (const [wanted, link] of this.#links) {
      link.detach();
      link.close();
      const pin = this.#pin(wanted);
      if (existsSync(pin)) removePin(pin);
    }
    this.#links.clear();
  }

  /** Lets go of the links; the pins keep the program attached. */
  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #reconcileOne(wanted: WantedInterface): AgentInterface {
    let found = find(wanted);
    const ours = new Set([this.#options.program.id]);
    switch (attachmentAction(found, ours)) {
      case "keep":
        this.#problems.delete(wanted);
        return reportInterface(wanted, found, true);
      case "wait":
        this.#problem(wanted, `interface ${label(wanted)} is not there; it is filtered as soon as it appears`);
        return reportInterface(wanted, found, false);
      case "blocked":
        this.#problem(wanted, `interface ${label(wanted)} runs another XDP program (id ${found?.programId ?? 0}); detach that one first, or take the interface out of the configuration`);
        return reportInterface(wanted, found, false);
      case "attach": {
        const failure = this.#attach(wanted);
        found = find(wanted);
        if (failure === undefined) this.#problems.delete(wanted);
        else this.#problem(wanted, failure);
        return reportInterface(wanted, found, failure === undefined);
      }
    }
  }

  #attach(wanted: WantedInterface): string | undefined {
    const pin = this.#pin(wanted);
    this.#links.get(wanted)?.close();
    this.#links.delete(wanted);
    if (existsSync(pin)) removePin(pin);
    try {
      const link = this.#options.program.attachXdp(wanted.name, { mode: wanted.mode, ...(wanted.netns === undefined ? {} : { netns: wanted.netns }) });
      link.pin(pin);
      this.#links.set(wanted, link);
      if (link.mode === "generic" && wanted.mode !== "generic") {
        this.#options.onEvent("warn", wanted.name, `${label(wanted)} has no native XDP (${link.nativeError?.message ?? "driver"}); generic mode is several times slower`);
      } else {
        this.#options.onEvent("info", wanted.name, `filtering ${label(wanted)} in ${link.mode ?? wanted.mode} mode`);
      }
      return undefined;
    } catch (error) {
      const advice = isNotSupported(error) && wanted.mode === "native" ? "; the driver has no native XDP: set mode to auto or generic" : "";
      return `cannot filter ${label(wanted)}: ${error instanceof Error ? error.message : String(error)}${advice}`;
    }
  }

  #problem(wanted: WantedInterface, problem: string): void {
    if (this.#problems.get(wanted) === problem) return;
    this.#problems.set(wanted, problem);
    this.#options.onEvent("warn", wanted.name, problem);
  }

  #pin({ name, netns }: WantedInterface): string {
    const unique = createHash("sha256").update(`${netns ?? ""}\0${name}`).digest("hex").slice(0, 16);
    return join(this.#options.pinFolder, `link-${unique}`);
  }
}

function find({ name, netns }: WantedInterface): FoundInterface | undefined {
  try {
    const state = queryXdp(name, netns === undefined ? {} : { netns });
    return {
      ifindex: state.ifindex,
      ...(state.programId === 0 ? {} : { programId: state.programId }),
      ...(state.mode === "native" || state.mode === "generic" ? { mode: state.mode } : {}),
    };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "ENODEV" || code === "ENOENT") return undefined;
    throw error;
  }
}
