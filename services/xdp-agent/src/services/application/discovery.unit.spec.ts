import { serviceFrom, ServiceSpec, type Service, type ServiceSpecInput } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import type { Link } from "../domain/links.js";
import { Discovery, type DiscoverySources } from "./discovery.js";

const link = (ifindex: number, name: string, more: Partial<Link> = {}): Link => ({ ifindex, name, mac: "02:00:00:00:00:01", mtu: 1500, kind: "veth", addresses: [], ...more });
const host = [link(4, "v4", { peer: 2, peerNsid: 0 }), link(5, "v5", { peer: 2, peerNsid: 1 })];
const namespaces: Record<string, Link[]> = {
  "/run/netns/a": [link(2, "eth0", { peer: 4, addresses: ["10.0.0.2"] })], "/c/web": [link(2, "eth0", { peer: 5, addresses: ["10.0.0.3"] })],
};

const make = (spec: Partial<ServiceSpecInput>): Service => serviceFrom(ServiceSpec.parse({ name: "web", address: "10.0.0.2", ...spec }), "2026-11-22T12:00:00.000Z");

describe("Discovery", () => {
  const looked: string[] = [];
  const sources: DiscoverySources = {
    links: {
      links: (netns = "") => {
        looked.push(netns);
        const found = namespaces[netns];
        return found ? Promise.resolve(found) : Promise.reject(new Error(`no namespace ${netns}`));
      },
    },
    namespaces: { path: (name) => `/run/netns/${name}`, list: () => Promise.resolve([{ netns: "/run/netns/a", nsid: 0 }, { netns: "/run/netns/elsewhere", nsid: 9 }]) },
    containers: {
      netnsOf: (name) => (name === "web" ? Promise.resolve("/c/web") : Promise.reject(new Error(`Docker knows no container ${name}`))),
      netnsWith: (addresses) => Promise.resolve(addresses.has("10.0.0.3") ? ["/c/web"] : []),
    },
  };
  const find = async (spec: Partial<ServiceSpecInput>, from = sources) => Object.fromEntries(await new Discovery(from, host).endpoints(make(spec)));

  it("looks where the service says", async () => {
    expect(await find({ netns: "a" })).toMatchObject({ "10.0.0.2": { netns: "/run/netns/a" } });
    expect(await find({ container: "web", address: "10.0.0.3" })).toMatchObject({ "10.0.0.3": { netns: "/c/web", port: { name: "v5" } } });
  });

  it("looks in all containers and in namespaces with a link to the host, where the service does not say", async () => {
    looked.length = 0;
    expect(await find({ address: "203.0.113.1", backends: [{ address: "10.0.0.2" }, { address: "10.0.0.3" }] })).toMatchObject({
      "10.0.0.2": { netns: "/run/netns/a" }, "10.0.0.3": { netns: "/c/web" },
    });
    expect(looked.sort()).toEqual(["/c/web", "/run/netns/a"]);
  });

  it("does without a container engine that does not answer", async () => {
    const dead = { ...sources, containers: { netnsOf: () => Promise.reject(new Error("x")), netnsWith: () => Promise.reject(new Error("no answer")) } };
    expect(await find({}, dead)).toMatchObject({ "10.0.0.2": { netns: "/run/netns/a" } });
  });

  it.each([
    ["no such container", { container: "gone" }, /knows no container gone/], ["no such namespace", { netns: "gone" }, /no namespace \/run\/netns\/gone/],
    ["another interface", { iface: "v9" }, /behind v4, not behind v9/],
  ] as [string, Partial<ServiceSpecInput>, RegExp][])("says why not: %s", async (_name, spec, message) => {
    const { "10.0.0.2": found } = await find(spec);
    expect((found as { problem?: string } | undefined)?.problem).toMatch(message);
  });

  it("says that no container engine is configured", async () => {
    const { "10.0.0.2": found } = await find({ container: "web" }, { ...sources, containers: undefined });
    expect((found as { problem?: string } | undefined)?.problem).toMatch(/no container engine is configured/);
  });
});
