import { isAlive, thisOwner } from "../process/owner.js";
import { ip, listNamespaces, removeNamespace } from "./ip.js";
import { createLink, type Interface, type LinkSpec } from "./links.js";
import { formatNamespace, parseNamespace } from "./namespace-name.js";
import { Namespace } from "./namespace.js";

let labs = 0;

/**
 * Network namespaces and links of one test. Nothing in it touches the machine's own network: links are made straight
 * inside the namespaces, and there is no way out of them.
 */
export class Lab {
  readonly #namespaces = new Map<string, Namespace>();
  readonly #number = labs++;
  #destroyed: Promise<void> | undefined;

  private constructor(readonly prefix: string) {}

  /**
   * An empty lab. First removes what dead processes left under the same prefix.
   *
   * @param options.prefix begins the namespaces' names; letters, digits, `_` and `-`. Default "sxf".
   */
  static async create({ prefix = "sxf" } = {}): Promise<Lab> {
    formatNamespace({ prefix, owner: thisOwner(), lab: 0, name: "check" });
    await Lab.sweep(prefix);
    return new Lab(prefix);
  }

  /** Makes a namespace with `lo` up. @throws Error when the lab has one of that name or is destroyed. */
  async ns(name: string): Promise<Namespace> {
    if (this.#destroyed !== undefined) throw new Error("the lab is destroyed");
    if (this.#namespaces.has(name)) throw new Error(`the lab has a namespace "${name}" already`);
    const netns = formatNamespace({ prefix: this.prefix, owner: thisOwner(), lab: this.#number, name });
    const namespace = new Namespace(name, netns);
    this.#namespaces.set(name, namespace);
    await ip(undefined, ["netns", "add", netns]);
    await ip(netns, ["link", "set", "dev", "lo", "up"]);
    return namespace;
  }

  /** The namespace of that name. @throws Error when there is none. */
  get(name: string): Namespace {
    const found = this.#namespaces.get(name);
    if (found === undefined)
      throw new Error(`no namespace "${name}" in the lab; it has ${[...this.#namespaces.keys()].join(", ")}`);
    return found;
  }

  /** Connects two namespaces by a veth pair. */
  link(spec: LinkSpec): Promise<{ a: Interface; b: Interface }> {
    return createLink(spec);
  }

  /** Kills every process in the lab's namespaces and deletes them. May be called twice. */
  destroy(): Promise<void> {
    return (this.#destroyed ??= this.#destroy());
  }

  async #destroy(): Promise<void> {
    const failures: unknown[] = [];
    for (const namespace of this.#namespaces.values()) {
      try {
        await namespace.killChildren();
        await removeNamespace(namespace.netns);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `lab ${this.prefix}: not everything could be removed`);
  }

  /**
   * Removes namespaces of this prefix whose makers are dead, with the processes in them; those of a live process stay.
   * Returns the names removed.
   */
  static async sweep(prefix = "sxf"): Promise<string[]> {
    const orphans = listNamespaces().filter((netns) => {
      const id = parseNamespace(netns);
      return id?.prefix === prefix && !isAlive(id.owner);
    });
    for (const netns of orphans) await removeNamespace(netns);
    return orphans;
  }
}
