import type { Link } from "../domain/links.js";

/** Interfaces of network namespaces. */
export interface LinkSource {
  /** The interfaces of a namespace; of the host's own without a path. Rejects where there is no such namespace. */
  links(netns?: string): Promise<Link[]>;
}

/** Containers by name, and where they are. */
export interface ContainerSource {
  /** Path of a container's network namespace. Rejects with what is wrong, for people. */
  netnsOf(container: string): Promise<string>;
  /** Namespaces of all running containers that have one of these addresses (canonical text). */
  netnsWith(addresses: ReadonlySet<string>): Promise<string[]>;
}

/** Network namespaces that have a name. */
export interface NamespaceSource {
  /** Path of a namespace by its name or path. */
  path(netns: string): string;
  /** All that have a name and a link into the host's, with their number there; at most a bounded number. */
  list(): Promise<{ readonly netns: string; readonly nsid: number }[]>;
}
