import { formatAddress, parseAddress, type Service } from "@secuxflow/contracts";
import { findEndpoint, type Endpoint, type Place, type Unreached } from "../domain/endpoints.js";
import type { Link } from "../domain/links.js";
import type { ContainerSource, LinkSource, NamespaceSource } from "./places.js";

export interface DiscoverySources {
  readonly links: LinkSource;
  readonly namespaces: NamespaceSource;
  /** Absent where no container engine is configured. */
  readonly containers?: ContainerSource | undefined;
}

const canonical = (address: string): string => formatAddress(parseAddress(address));

/**
 * Finds the containers of services, once for one look at the host's links: each namespace is looked at once, and only
 * where a service may be there.
 */
export class Discovery {
  readonly #sources: DiscoverySources;
  readonly #host: readonly Link[];
  readonly #places = new Map<string, Promise<Place | Unreached>>();

  constructor(sources: DiscoverySources, host: readonly Link[]) {
    this.#sources = sources;
    this.#host = host;
  }

  /** Where each of a service's backends lives, by canonical address. */
  async endpoints(service: Service): Promise<Map<string, Endpoint | Unreached>> {
    const addresses = new Set(service.backends.map(({ address }) => canonical(address)));
    const found = new Map<string, Endpoint | Unreached>();
    let places: (Place | Unreached)[];
    try {
      places = await Promise.all((await this.#candidates(service, addresses)).map(({ netns, nsid }) => this.#place(netns, nsid)));
    } catch (error) {
      places = [{ problem: (error as Error).message }];
    }
    const good = places.filter((place): place is Place => "links" in place);
    const bad = places.find((place): place is Unreached => "problem" in place);
    for (const address of addresses) {
      const endpoint = findEndpoint(address, this.#host, good);
      if ("problem" in endpoint) found.set(address, good.length === 0 && bad ? bad : endpoint);
      else if (service.iface !== undefined && endpoint.port.name !== service.iface) found.set(address, { problem: `${address} is behind ${endpoint.port.name}, not behind ${service.iface}` });
      else found.set(address, endpoint);
    }
    return found;
  }

  /** The namespaces that a service names; where it names none, all that may have its addresses. */
  async #candidates(service: Service, addresses: ReadonlySet<string>): Promise<{ netns: string; nsid?: number }[]> {
    const { namespaces, containers } = this.#sources;
    if (service.netns !== undefined) return [{ netns: namespaces.path(service.netns) }];
    if (service.container !== undefined) {
      if (!containers) throw new Error(`container ${service.container} cannot be looked up: no container engine is configured (services.docker)`);
      return [{ netns: await containers.netnsOf(service.container) }];
    }
    // A container engine that does not answer hides containers, not namespaces.
    const inContainers = await containers?.netnsWith(addresses).catch(() => []);
    const connected = new Set(this.#host.map(({ peerNsid }) => peerNsid));
    const named = (await namespaces.list()).filter(({ nsid }) => connected.has(nsid));
    return [...(inContainers ?? []).map((netns) => ({ netns })), ...named];
  }

  #place(netns: string, nsid: number | undefined): Promise<Place | Unreached> {
    let place = this.#places.get(netns);
    if (!place) {
      place = this.#sources.links.links(netns).then((links) => ({ netns, nsid, links }), (error: unknown) => ({ problem: (error as Error).message }));
      this.#places.set(netns, place);
    }
    return place;
  }
}
