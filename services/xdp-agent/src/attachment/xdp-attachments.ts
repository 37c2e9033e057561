import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { AgentInterface } from "@secuxflow/contracts";
import { BpfLink, BpfProgram, isNotSupported, queryXdp, removePin } from "libbpf-ts";
import { attachmentAction, blockedBy, reportInterface, type FoundInterface, type WantedInterface } from "./plan.js";

export interface AttachmentsOptions {
  readonly program: BpfProgram;
  readonly pinFolder: string;
  /** Folders of other layout versions, where an agent of another version may have left links. */
  readonly otherFolders: readonly string[];
  readonly interfaces: readonly WantedInterface[];
  /** Told of what an operator should know: generic mode, an interface that is missing or taken. */
  readonly onEvent: (level: "info" | "warn", interfaceName: string, message: string) => void;
}

/** A link that is ours. Until `switchOver` it may still run the program of an earlier agent. */
interface OwnLink {
  readonly link: BpfLink;
  readonly pin: string;
}

const label = ({ name, netns }: WantedInterface): string => (netns === undefined ? name : `${name} in ${netns}`);

/**
 * Keeps the program attached to the configured interfaces. Links are pinned, so that filtering goes on without the
 * agent; `reconcile` looks at each interface and puts the program back where somebody took it away.
 */
export class XdpAttachments {
  readonly #options: AttachmentsOptions;
  readonly #links = new Map<WantedInterface, OwnLink>();
  readonly #problems = new Map<WantedInterface, string>();
  #found = new Map<WantedInterface, FoundInterface>();
  #reports: AgentInterface[] = [];
  #switchedOver = false;

  constructor(options: AttachmentsOptions) {
    this.#options = options;
    this.#look();
  }

  get problems(): string[] {
    return [...this.#problems.values()];
  }

  get interfaces(): AgentInterface[] {
    return this.#reports;
  }

  /** Indexes of the configured interfaces of a name, one for each network namespace that has it now; ascending. */
  ifindexes(name: string): number[] {
    const indexes = [...this.#found].filter(([wanted]) => wanted.name === name).map(([, { ifindex }]) => ifindex);
    return [...new Set(indexes)].sort((a, b) => a - b);
  }

  /**
   * Finds the pinned links of an earlier run, also of another layout version; the program that they run goes on. Takes the
   * filter off interfaces that are no longer configured. Returns whether a filter is running now.
   */
  resume(): boolean {
    const folders = [this.#options.pinFolder, ...this.#options.otherFolders];
    const pins = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.startsWith("link-")).map((name) => join(folder, name)));
    for (const pin of pins) {
      const wanted = this.#options.interfaces.find((one) => basename(pin) === basename(this.#pin(one)));
      const link = BpfLink.fromPin(pin);
      if (wanted && !this.#links.has(wanted) && link.info().ifindex === this.#found.get(wanted)?.ifindex) {
        this.#links.set(wanted, { link, pin });
        continue;
      }
      if (!wanted && link.info().ifindex !== 0) this.#options.onEvent("info", basename(pin), "took the filter off an interface that is no longer configured");
      link.unpin();
      link.close();
    }
    return this.#links.size > 0;
  }

  /** Puts our program where an earlier one runs: one atomic update for each interface, no packet passes between the two. */
  switchOver(): void {
    if (this.#switchedOver) return;
    this.#switchedOver = true;
    for (const [wanted, { link, pin }] of this.#links) {
      link.update(this.#options.program);
      const own = this.#pin(wanted);
      if (pin !== own) {
        link.pin(own);
        link.unpin(pin);
      }
      this.#links.set(wanted, { link, pin: own });
      this.#options.onEvent("info", wanted.name, `took over the filter on ${label(wanted)} without a gap`);
    }
  }

  /** Attaches where it is missing. Returns whether anything changed. */
  reconcile(): boolean {
    const before = JSON.stringify([this.#reports, this.problems]);
    this.#look();
    this.#reports = this.#options.interfaces.map((wanted) => this.#reconcileOne(wanted));
    return JSON.stringify([this.#reports, this.problems]) !== before;
  }

  /** Detaches everywhere at once and removes the pins. */
  detach(): void {
    for (const { link, pin } of this.#links.values()) {
      link.detach();
      link.close();
      if (existsSync(pin)) removePin(pin);
    }
    this.#links.clear();
  }

  /** Lets go of the links; the pins keep the program attached. */
  close(): void {
    for (const { link } of this.#links.values()) link.close();
    this.#links.clear();
  }

  #look(): void {
    this.#found = new Map(this.#options.interfaces.flatMap((wanted) => {
      const found = find(wanted);
      return found ? [[wanted, found] as const] : [];
    }));
  }

  #reconcileOne(wanted: WantedInterface): AgentInterface {
    const found = this.#found.get(wanted);
    switch (attachmentAction(found, this.#ourPrograms(wanted))) {
      case "keep":
        this.#problems.delete(wanted);
        return reportInterface(wanted, found, true);
      case "wait":
        this.#problem(wanted, `interface ${label(wanted)} is not there; it is filtered as soon as it appears`);
        return reportInterface(wanted, found, false);
      case "blocked":
        this.#problem(wanted, blockedBy(label(wanted), found?.programId ?? 0, nameOf(found?.programId)));
        return reportInterface(wanted, found, false);
      case "attach": {
        const failure = this.#attach(wanted);
        if (failure === undefined) this.#problems.delete(wanted);
        else this.#problem(wanted, failure);
        return reportInterface(wanted, find(wanted), failure === undefined);
      }
    }
  }

  /** Ours, and before `switchOver` what the link of an earlier agent runs. */
  #ourPrograms(wanted: WantedInterface): Set<number> {
    const ours = new Set([this.#options.program.id]);
    const earlier = this.#switchedOver ? undefined : this.#links.get(wanted)?.link.info().programId;
    return earlier === undefined ? ours : ours.add(earlier);
  }

  #attach(wanted: WantedInterface): string | undefined {
    const pin = this.#pin(wanted);
    this.#links.get(wanted)?.link.close();
    this.#links.delete(wanted);
    if (existsSync(pin)) removePin(pin);
    try {
      const link = this.#options.program.attachXdp(wanted.name, { mode: wanted.mode, ...(wanted.netns === undefined ? {} : { netns: wanted.netns }) });
      link.pin(pin);
      this.#links.set(wanted, { link, pin });
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

/** Name of a program by its id; undefined where it cannot be told. */
function nameOf(programId: number | undefined): string | undefined {
  if (programId === undefined) return undefined;
  try {
    const program = BpfProgram.fromId(programId);
    try {
      return program.info().name;
    } finally {
      program.close();
    }
  } catch {
    return undefined; // it is gone already, or ids may not be opened (CAP_SYS_ADMIN)
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
