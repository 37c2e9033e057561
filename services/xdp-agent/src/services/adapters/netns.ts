import { join } from "node:path";
import { z } from "zod";
import type { LinkSource, NamespaceSource } from "../application/places.js";
import { parseLinks } from "./ip-links.js";
import { run, ToolError } from "./run.js";

const FOLDER = "/run/netns";
/** Namespaces that are looked through for a service that does not say where it is. */
const MOST = 512;

const Named = z.array(z.object({ name: z.string().regex(/^[^/]+$/), id: z.int().nonnegative().optional() }));

/** Named network namespaces, as `ip netns` keeps them. `host` is the path of the one that counts as the host's; default: our own. */
export const namedNamespaces = (host?: string): NamespaceSource => ({
  path: (netns) => (netns.startsWith("/") ? netns : join(FOLDER, netns)),
  list: async () => {
    const printed = await run(host, "ip", ["-json", "netns", "list"]);
    const named = Named.safeParse(printed.trim() === "" ? [] : JSON.parse(printed));
    if (!named.success) throw new ToolError("ip described network namespaces in an unknown way");
    return named.data.flatMap(({ name, id }) => (id === undefined ? [] : [{ netns: join(FOLDER, name), nsid: id }])).slice(0, MOST);
  },
});

/** The interfaces of namespaces, by iproute2. */
export const ipLinks = (host?: string): LinkSource => ({
  links: async (netns) => parseLinks(await run(netns ?? host, "ip", ["-details", "-json", "address", "show"])),
});
