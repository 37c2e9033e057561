import { networkInterfaces } from "node:os";
import { Lab, needs } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { readNetwork } from "./host-network.js";

needs(describe, "netns")("readNetwork", () => {
  it("reads the own namespace and another one", async () => {
    const own = await readNetwork(undefined);
    for (const all of Object.values(networkInterfaces())) for (const { address } of all ?? []) expect(own.addresses).toContain(address);
    const lab = await Lab.create({ prefix: "sxfnet" });
    try {
      const place = await lab.ns("place");
      await place.ip("address", "add", "10.88.0.1/24", "dev", "lo");
      await place.sysctl("net/ipv4/tcp_syncookies", 2);
      const facts = await readNetwork(place.path);
      expect(facts.synCookies).toBe(2);
      expect(facts.addresses).toEqual(expect.arrayContaining(["127.0.0.1", "10.88.0.1"]));
    } finally {
      await lab.destroy();
    }
    await expect(readNetwork("/run/netns/secuxflow-there-is-none")).rejects.toThrow(/there-is-none/);
  });
});
