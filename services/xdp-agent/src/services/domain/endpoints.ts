import { formatAddress, parseAddress } from "@secuxflow/contracts";
import type { Link } from "./links.js";

/** A network namespace in which a service may run. */
export interface Place {
  /** The file that stands for it, as /run/netns/web. */
  readonly netns: string;
  /** The number that the kernel gave it, as seen from the host's namespace, where that is known. */
  readonly nsid?: number | undefined;
  readonly links: readonly Link[];
}

/** How a container's address is reached without the stack. */
export interface Endpoint {
  readonly address: string;
  /** The host's end of the veth. */
  readonly port: Link;
  /** What routes the frames: the bridge that the host's end belongs to, or that end itself. */
  readonly router: Link;
  /** The container's end. */
  readonly inner: Link;
  readonly netns: string;
}

/** Why an address cannot be reached that way; the stack reaches it all the same. */
export interface Unreached {
  readonly problem: string;
}

const canonical = (address: string): string => formatAddress(parseAddress(address));

/**
 * Finds where an address lives: the interface in one of `places` that has it, and the end of its veth among the host's
 * links. Both ends must name each other, and the namespace where its number is known: indices repeat from one namespace
 * to the next. An address that is found twice is not decided by chance.
 */
export function findEndpoint(address: string, host: readonly Link[], places: readonly Place[]): Endpoint | Unreached {
  const wanted = canonical(address);
  const found = places.flatMap((place) => {
    const inner = place.links.find(({ addresses }) => addresses.some((one) => canonical(one) === wanted));
    return inner ? [endpointAt(wanted, host, place, inner)] : [];
  });
  const good = found.filter((one): one is Endpoint => !("problem" in one));
  if (good.length > 1) return { problem: `${address} is in ${good.map(({ netns }) => netns).join(" and ")}: say with container or netns which one is meant` };
  return good[0] ?? found[0] ?? { problem: `no known container or network namespace has the address ${address}` };
}

function endpointAt(address: string, host: readonly Link[], { netns, nsid }: Place, inner: Link): Endpoint | Unreached {
  if (inner.kind !== "veth") return { problem: `${address} is on ${inner.name} (${inner.kind === "" ? "hardware" : inner.kind}), not on a veth` };
  const port = host.find((link) => link.kind === "veth" && link.ifindex === inner.peer && link.peer === inner.ifindex && (nsid === undefined || link.peerNsid === nsid));
  if (!port) return { problem: `the other end of ${inner.name} in ${netns} is not in the host's network namespace` };
  const router = port.master === undefined ? port : host.find(({ name }) => name === port.master);
  if (!router) return { problem: `${port.name} belongs to ${port.master ?? "a link"}, which is not there` };
  if (router !== port && router.kind !== "bridge") return { problem: `${port.name} belongs to ${router.name} (${router.kind}), which is no bridge` };
  return { address, port, router, inner, netns };
}
