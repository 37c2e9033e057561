import { serviceFrom, ServiceSpec, type Service, type ServiceSpecInput } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { planServices, type BackendFacts, type ServicePlan } from "./plan.js";

const make = (spec: ServiceSpecInput): Service => serviceFrom(ServiceSpec.parse(spec), "2026-11-22T12:00:00.000Z");
const HOP = { ifindex: 3, mtu: 1500, dmac: new Uint8Array(6), smac: new Uint8Array(6) };
const plan = (specs: ServiceSpecInput[], facts: (address: string) => Partial<BackendFacts> = () => ({})): ServicePlan => planServices({
  services: specs.map(make), snaplen: 128, moduleBit: (module) => ({ ips: 0, waf: 31 })[module],
  facts: (_service, backend) => ({ hop: HOP, answersSeen: true, healthy: true, ...facts(backend.address) }),
});
const web: ServiceSpecInput = { name: "web", address: "10.0.0.5", port: 80, proto: "tcp" };

describe("planServices", () => {
  it("serves an address by itself, without translation", () => {
    const { services, problems } = plan([web]);
    expect(services).toMatchObject([{ name: "web", port: 80, proto: 6, translated: false, backends: [{ name: "10.0.0.5:80", port: 80, up: true, hop: HOP }] }]);
    expect(problems.size).toBe(0);
  });

  it("translates to backends of other addresses or ports, and inspects for the modules that are there", () => {
    const { services, problems } = plan([{ ...web, backends: [{ address: "10.0.0.6", port: 8_080 }, { address: "10.0.0.7" }], inspect: ["ips", "waf", "gone"] }]);
    expect(services).toMatchObject([{ translated: true, modules: 0x80000001, snaplen: 128, backends: [{ port: 8_080 }, { port: 80 }] }]);
    expect([...problems.keys()]).toEqual(["web inspect gone"]);
  });

  it("gives new connections to what is healthy and has a weight", () => {
    const backends = [{ address: "10.0.0.6" }, { address: "10.0.0.7" }, { address: "10.0.0.8", weight: 0 }];
    const { services } = plan([{ ...web, backends }], (address) => ({ healthy: address !== "10.0.0.7" }));
    expect(services[0]?.backends.map(({ up }) => up)).toEqual([true, false, false]);
  });

  it("leaves out a second service of the same address and port, and serves the first", () => {
    const { services, problems } = plan([web, { ...web, name: "again" }, { ...web, name: "udp", proto: "udp" }, { name: "whole", address: "10.0.0.5" }]);
    expect(services.map(({ name }) => name)).toEqual(["web", "udp", "whole"]);
    expect(problems.get("again")).toMatch(/service web has the same/);
  });

  it("lets a backend answer for one service only", () => {
    const { services, problems } = plan([{ ...web, backends: [{ address: "10.0.0.6" }] }, { ...web, name: "other", address: "10.0.0.9", backends: [{ address: "10.0.0.6" }, { address: "10.0.0.6", port: 81 }] }]);
    expect(services.map(({ backends }) => backends.map(({ name }) => name))).toEqual([["10.0.0.6:80"], ["10.0.0.6:81"]]);
    expect(problems.get("other 10.0.0.6:80")).toMatch(/backend of service web already/);
  });

  it("does not translate to where answers cannot be translated back; the address itself takes the stack", () => {
    const { services, problems } = plan([{ ...web, backends: [{ address: "10.0.0.6" }, { address: "10.0.0.5" }] }], () => ({ hop: undefined, answersSeen: false }));
    expect(services[0]).toMatchObject({ translated: false, backends: [{ name: "10.0.0.5:80" }] });
    expect(problems.get("web 10.0.0.6:80")).toMatch(/could not translate them back/);
  });

  it("names IPv6 backends so that the port can be told", () => {
    const { services } = plan([{ ...web, address: "fd00::5" }, { name: "whole", address: "fd00::6" }]);
    expect(services.map(({ backends }) => backends[0]?.name)).toEqual(["[fd00::5]:80", "fd00::6"]);
  });
});
