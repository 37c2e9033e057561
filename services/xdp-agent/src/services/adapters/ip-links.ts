import { z } from "zod";
import type { Link } from "../domain/links.js";

/** What `ip -details -json address show` says of a link, as far as it is used here. */
const IpLink = z.object({
  ifindex: z.int().positive(),
  ifname: z.string(),
  mtu: z.int().nonnegative().default(0),
  /** Absent where the link has none (tun). */
  address: z.string().default(""),
  /** Index of the peer (veth) or the link below (VLAN); the peer may be in another namespace. */
  link_index: z.int().nonnegative().optional(),
  /** Name of the link below, where that is in the same namespace. */
  link: z.string().optional(),
  /** Given where the peer is in another namespace. */
  link_netnsid: z.int().optional(),
  master: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional(), info_data: z.object({ id: z.int().optional(), protocol: z.string().optional() }).optional() }).optional(),
  addr_info: z.array(z.object({ local: z.string().optional() })).default([]),
});

/** The answer of `ip` is not what it is documented to be. */
export class LinkFactsError extends Error {
  override readonly name = "LinkFactsError";
}

/** Reads the output of `ip -details -json address show`. Entries without an index (`{}`, printed by some versions) are left out. */
export function parseLinks(json: string): Link[] {
  let all: unknown;
  try {
    all = json.trim() === "" ? [] : JSON.parse(json);
  } catch (error) {
    throw new LinkFactsError(`ip printed no JSON (${(error as Error).message}); iproute2 5.0 or newer is needed`);
  }
  const parsed = z.array(z.unknown()).safeParse(all);
  if (!parsed.success) throw new LinkFactsError("ip printed no list of links");
  return parsed.data.flatMap((one) => {
    if (typeof one === "object" && one !== null && !("ifindex" in one)) return [];
    const link = IpLink.safeParse(one);
    if (!link.success) throw new LinkFactsError(`ip described a link in an unknown way: ${link.error.issues[0]?.message ?? ""}`);
    return [linkOf(link.data)];
  });
}

const linkOf = (link: z.output<typeof IpLink>): Link => {
  const kind = link.linkinfo?.info_kind ?? "";
  const id = link.linkinfo?.info_data?.id;
  const vlan = kind === "vlan" && id !== undefined && link.link !== undefined && link.linkinfo?.info_data?.protocol !== "802.1ad"
    ? { id, below: link.link } : undefined;
  return {
    ifindex: link.ifindex, name: link.ifname, mac: link.address, mtu: link.mtu, kind, peer: link.link_index, peerNsid: link.link_netnsid, master: link.master, vlan,
    addresses: link.addr_info.flatMap(({ local }) => (local === undefined ? [] : [local])),
  };
};
