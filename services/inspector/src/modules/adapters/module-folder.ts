import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { loadModule, ModuleRejected, type HostLimits, type LoadedModule } from "@secuxflow/module-host";

export interface ModuleFolderOptions {
  readonly dir: string;
  /** Names of the modules that are wanted; empty for all. */
  readonly names: readonly string[];
  readonly limits: Partial<HostLimits>;
}

export interface FolderScan {
  /** What is offered now; a version that became unreadable is still there as it was. */
  readonly modules: readonly LoadedModule[];
  readonly problems: readonly string[];
}

interface SeenFile {
  readonly stamp: string;
  readonly loaded: LoadedModule | undefined;
  readonly problem: string | undefined;
}

const MAX_FILES = 256;

/**
 * The modules in a folder. They are checked and compiled but never executed here: what a module says of itself lies in its
 * manifest. A file is read again only when its size or time has changed.
 */
export class ModuleFolder {
  readonly #files = new Map<string, SeenFile>();

  constructor(private readonly options: ModuleFolderOptions) {}

  async scan(): Promise<FolderScan> {
    const { dir, names } = this.options;
    const problems: string[] = [];
    let files: string[] = [];
    try {
      files = (await readdir(dir)).filter((name) => name.endsWith(".wasm")).sort();
    } catch (error) {
      problems.push(`the module folder cannot be read: ${(error as Error).message}; set modules.dir`);
    }
    if (files.length > MAX_FILES) problems.push(`of ${files.length} modules in the folder the first ${MAX_FILES} are looked at`);
    for (const file of files.slice(0, MAX_FILES)) await this.#look(join(dir, file));
    const modules = new Map<string, LoadedModule>();
    for (const [path, { loaded, problem }] of this.#files) {
      if (problem !== undefined) problems.push(problem);
      if (loaded === undefined) continue;
      const { id } = loaded.manifest;
      if (modules.has(id)) problems.push(`${basename(path)} is a second module "${id}" and is left out`);
      else if (names.length === 0 || names.includes(id)) modules.set(id, loaded);
    }
    for (const name of names) if (!modules.has(name)) problems.push(`module "${name}" is wanted and not in the module folder`);
    return { modules: [...modules.values()], problems };
  }

  async #look(path: string): Promise<void> {
    const known = this.#files.get(path);
    try {
      const { size, mtimeMs } = await stat(path);
      const stamp = `${size} ${mtimeMs}`;
      if (known?.stamp === stamp) return;
      // A file that cannot be taken is not read again until it changes; it may be half written.
      this.#files.set(path, { stamp, loaded: known?.loaded, problem: undefined });
      const loaded = loadModule(await readFile(path), this.options.limits);
      this.#files.set(path, { stamp, loaded, problem: undefined });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return; // replaced at this moment: the next scan sees it
      const reason = error instanceof ModuleRejected ? error.message : `cannot be read: ${(error as Error).message}`;
      const stamp = this.#files.get(path)?.stamp ?? "";
      this.#files.set(path, { stamp, loaded: known?.loaded, problem: `${basename(path)}: ${reason}` });
    }
  }
}
