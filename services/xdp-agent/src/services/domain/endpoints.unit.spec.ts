import { describe, expect, it } from "vitest";
import { findEndpoint, type Place } from "./endpoints.js";
import { serviceInterfaces } from "./interfaces.js";
import { LinkFactsError, parseLinks } from "../adapters/ip-links.js";
import { macBytes, type Link } from "./links.js";

const link = (ifindex: number, name: string, more: Partial<Link> = {}): Link =>
  ({ ifindex, name, mac: `02:00:00:00:00:${ifindex.toString().padStart(2, "0")}`, mtu: 1500, kind: "veth", addresses: [], ...more });

const host: Link[] = [
  link(2, "eth0", { kind: "" }), link(3, "br0", { kind: "bridge" }), link(4, "veth4", { peer: 2, peerNsid: 0, master: "br0" }), link(5, "veth5", { peer: 2, peerNsid: 1 }),
  link(6, "veth6", { peer: 3, peerNsid: 0, master: "ovs" }), link(7, "eth0.42", { kind: "vlan", vlan: { id: 42, below: "eth0" } }),
];
const inside = (netns: string, peer: number, address: string, more: Partial<Link> = {}, nsid?: number): Place =>
  ({ netns, links: [link(2, "eth0", { peer, addresses: [address], ...more })], ...(nsid === undefined ? {} : { nsid }) });

describe("findEndpoint", () => {
  it("finds a container in a bridge and one of its own, whatever way the address is written", () => {
    const bridged = findEndpoint("10.0.0.2", host, [inside("a", 4, "10.0.0.2")]);
    expect(bridged).toMatchObject({ netns: "a", port: { name: "veth4" }, router: { name: "br0" }, inner: { name: "eth0" } });
    expect(findEndpoint("fd00::2", host, [inside("a", 5, "fd00:0:0::2")])).toMatchObject({ port: { name: "veth5" }, router: { name: "veth5" } });
  });

  it.each([
    ["nobody has the address", [inside("a", 4, "10.0.0.3")], /no known container/],
    ["it is not on a veth", [inside("a", 4, "10.0.0.2", { kind: "macvlan" })], /macvlan\), not on a veth/],
    ["the other end is in another namespace", [inside("a", 99, "10.0.0.2")], /not in the host's/],
    ["the other end's peer is another one", [inside("a", 6, "10.0.0.2")], /not in the host's/],
    ["the indices fit by chance, the namespace does not", [inside("a", 4, "10.0.0.2", {}, 1)], /not in the host's/],
    ["two containers have it", [inside("a", 4, "10.0.0.2"), inside("b", 5, "10.0.0.2")], /a and b: say with container or netns/],
    ["its veth belongs to what is no bridge", [{ netns: "a", links: [link(3, "eth0", { peer: 6, addresses: ["10.0.0.2"] })] }], /veth6 belongs to ovs/],
  ] as [string, Place[], RegExp][])("says why not: %s", (_name, places, problem) => {
    const found = findEndpoint("10.0.0.2", host, places);
    expect("problem" in found ? found.problem : "").toMatch(problem);
  });

  it("prefers the namespace that fits to one that does not", () => {
    expect(findEndpoint("10.0.0.2", host, [inside("a", 99, "10.0.0.2"), inside("b", 5, "10.0.0.2", {}, 1)])).toMatchObject({ netns: "b" });
  });
});

describe("serviceInterfaces", () => {
  it("takes frames by filtered interfaces, their VLANs and containers, and lets them out where the driver takes them", () => {
    const endpoint = findEndpoint("10.0.0.2", host, [inside("a", 4, "10.0.0.2")]);
    if ("problem" in endpoint) throw new Error(endpoint.problem);
    const { ports, exits } = serviceInterfaces(host, [{ name: "eth0", native: true }, { name: "veth5", native: false }, { name: "gone", native: true }], [endpoint]);
    expect(ports).toEqual([
      { ifindex: 2, routerIfindex: 2, routerMac: macBytes("02:00:00:00:00:02") },
      { ifindex: 2, vlan: 42, routerIfindex: 7, routerMac: macBytes("02:00:00:00:00:07") },
      { ifindex: 5, routerIfindex: 5, routerMac: macBytes("02:00:00:00:00:05") },
      { ifindex: 4, routerIfindex: 3, routerMac: macBytes("02:00:00:00:00:03") },
    ]);
    expect(exits).toEqual([{ ifindex: 2, through: 2 }, { ifindex: 7, through: 2, vlan: 42 }]);
  });
});

describe("parseLinks", () => {
  it("reads what iproute2 prints", () => {
    const printed = `[{},{"ifindex":2,"link_index":3,"ifname":"eth0","mtu":1400,"address":"d2:e6:70:a3:7b:ba","link_netnsid":0,"linkinfo":{"info_kind":"veth"},
      "addr_info":[{"family":"inet","local":"10.1.1.1"},{}]},
      {"ifindex":4,"ifname":"eth0.7","link":"eth0","mtu":1500,"address":"d2:e6:70:a3:7b:bb","linkinfo":{"info_kind":"vlan","info_data":{"id":7,"protocol":"802.1Q"}}},
      {"ifindex":5,"ifname":"eth0.8","link":"eth0","linkinfo":{"info_kind":"vlan","info_data":{"id":8,"protocol":"802.1ad"}}},{"ifindex":9,"ifname":"tun0","link_type":"none"}]`;
    expect(parseLinks(printed)).toMatchObject([
      { ifindex: 2, name: "eth0", mtu: 1400, kind: "veth", peer: 3, peerNsid: 0, addresses: ["10.1.1.1"] },
      { name: "eth0.7", vlan: { id: 7, below: "eth0" } }, { name: "eth0.8", vlan: undefined }, { name: "tun0", mac: "", kind: "" },
    ]);
    expect(parseLinks("")).toEqual([]);
  });

  it.each(["{", "{}", '[{"ifindex":"x","ifname":1}]'])("refuses %s", (text) => {
    expect(() => parseLinks(text)).toThrow(LinkFactsError);
  });
});
