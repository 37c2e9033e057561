import type { LoadedModule } from "@secuxflow/module-host";

interface Scanner {
  scan(): Promise<{ readonly modules: readonly LoadedModule[]; readonly problems: readonly string[] }>;
}

/** Looks at the module folder again and again and tells what is offered. */
export class ModuleWatch {
  #problems: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    private readonly folder: Scanner,
    private readonly everyMs: number,
    private readonly onModules: (modules: readonly LoadedModule[]) => void,
  ) {}

  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    await this.#look();
    this.#next();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#scanning;
  }

  #next(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#scanning = this.#look().then(() => this.#next());
    }, this.everyMs);
  }

  async #look(): Promise<void> {
    const { modules, problems } = await this.folder.scan();
    this.#problems = problems;
    if (!this.#stopped) this.onModules(modules);
  }
}
