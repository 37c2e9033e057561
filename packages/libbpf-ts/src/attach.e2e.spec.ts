import { mkdirSync, readlinkSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ArgumentError, AttachBusyError, BpfError, BpfLink, BpfMap, BpfObject, ClosedError, ifIndex, listLinks, mountBpffs, queryTc, queryXdp,
  XdpAction,
} from "./index.js";
import { compileFixture, KERNEL, kernelReady, until } from "./testing/fixtures.js";
import { VethPair } from "./testing/netns.js";

const ownNetns = (): string => readlinkSync("/proc/thread-self/ns/net");

describe.skipIf(!kernelReady)(`attaching (${KERNEL}, network namespaces)`, () => {
  const pins = `/sys/fs/bpf/libbpf-ts-attach-${process.pid}`;
  let file = "";
  let veth: VethPair;
  let netns = "";
  const objects: BpfObject[] = [];

  /** An object whose `decide` returns this action and counts. */
  function deciding(action: number): BpfObject {
    const spare = BpfMap.create({ type: "hash", keySize: 8, valueSize: 8, maxEntries: 8 });
    const object = BpfObject.open(file).reuseMap("pinned", spare).setGlobal("enabled", true).setGlobal("wanted_action", action);
    objects.push(object.load());
    spare.close();
    return object;
  }

  beforeAll(() => {
    file = compileFixture("basic");
    mountBpffs();
    mkdirSync(pins, { recursive: true });
    veth = new VethPair();
    netns = veth.rightPath;
  });
  afterAll(() => {
    for (const object of objects) object.close();
    rmSync(pins, { recursive: true, force: true });
    veth.remove();
  });

  it("finds interfaces in a namespace and comes back", () => {
    const before = ownNetns();
    expect(ifIndex("lo", { netns })).toBe(1);
    expect(ifIndex("v1", { netns })).toBeGreaterThan(1);
    expect(() => ifIndex("v1")).toThrow(/ENODEV/);
    expect(() => ifIndex("v0", { netns })).toThrow(/ENODEV/);
    expect(() => ifIndex("v1", { netns: "/run/netns/libbpf-ts-nothing" })).toThrow(/ENOENT.*namespace does not exist/);
    expect(() => ifIndex("v1", { netns: file })).toThrow(/EINVAL.*not a network namespace/);
    expect(() => ifIndex("a/b")).toThrow(ArgumentError);
    expect(() => ifIndex("a-name-that-is-too-long")).toThrow(ArgumentError);
    expect(ownNetns()).toBe(before);
  });

  it("decides about real packets, and replaces the program in one step", async () => {
    const passing = deciding(XdpAction.PASS);
    const dropping = deciding(XdpAction.DROP);
    const { messages } = await veth.receive(7001);
    const link = passing.program("decide").attachXdp("v1", { netns });
    expect(link.mode).toBe("native");
    expect(link.nativeError).toBeUndefined();
    const info = link.info();
    expect(info).toMatchObject({ type: "xdp", programId: passing.program("decide").id, ifindex: ifIndex("v1", { netns }) });
    expect(queryXdp("v1", { netns })).toEqual({
      ifindex: info.ifindex, programId: info.programId, mode: "native", linkIds: [info.id],
    });
    veth.send(7001, "first");
    await until(() => messages.includes("first"), "the datagram that passes");

    link.update(dropping.program("decide"));
    expect(queryXdp("v1", { netns }).programId).toBe(dropping.program("decide").id);
    const before = dropping.getGlobalInteger("run_count");
    veth.send(7001, "dropped");
    await until(() => dropping.getGlobalInteger("run_count") > before, "the datagram that is dropped");

    expect(() => { link.update(passing.program("decide"), passing.program("decide")); }).toThrow(/EPERM/);
    link.update(passing.program("decide"), dropping.program("decide"));
    veth.send(7001, "third");
    await until(() => messages.includes("third"), "the datagram after the update");
    expect(messages).toEqual(["first", "third"]);

    link.detach();
    expect(queryXdp("v1", { netns })).toMatchObject({ programId: 0, mode: "none", linkIds: [] });
    expect(link.info().ifindex).toBe(0);
    link.close();
    expect(() => link.info()).toThrow(ClosedError);
  });

  it("says who is attached already", () => {
    const object = deciding(XdpAction.PASS);
    const program = object.program("decide");
    const link = program.attachXdp("v1", { netns, mode: "native" });
    let error: unknown;
    try {
      object.program("drop_all").attachXdp("v1", { netns });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(AttachBusyError);
    const busy = error as AttachBusyError;
    expect(busy.attached).toMatchObject({ programId: program.id, mode: "native", linkIds: [link.info().id] });
    expect(busy.message).toContain(`Program ${program.id} is attached (native) by link ${link.info().id}`);
    const replaced = object.program("drop_all").attachXdp("v1", { netns, replaceLink: link });
    expect(replaced).toBe(link);
    expect(queryXdp("v1", { netns }).programId).toBe(object.program("drop_all").id);
    expect(() => program.attachXdp("lo", { netns, replaceLink: link })).toThrow(ArgumentError);
    link.close();
    expect(queryXdp("v1", { netns }).programId).toBe(0);
  });

  it("attaches in generic mode when asked to, and where the driver has nothing else", () => {
    const program = deciding(XdpAction.PASS).program("decide");
    const generic = program.attachXdp("v1", { netns, mode: "generic" });
    expect(queryXdp("v1", { netns }).mode).toBe("generic");
    generic.close();
    expect(() => program.attachXdp("lo", { netns, mode: "native" })).toThrow(/EOPNOTSUPP/);
    const fallback = program.attachXdp("lo", { netns });
    expect(fallback.mode).toBe("generic");
    expect(fallback.nativeError?.message).toMatch(/EOPNOTSUPP/);
    expect(queryXdp("lo", { netns }).mode).toBe("generic");
    fallback.close();
  });

  it("refuses what cannot be attached, and stays in its namespace", () => {
    const before = ownNetns();
    const object = deciding(XdpAction.PASS);
    expect(() => object.program("tc_pass").attachXdp("v1", { netns })).toThrow(BpfError);
    expect(() => object.program("decide").attachXdp("v9", { netns })).toThrow(/ENODEV.*no such interface/);
    expect(() => object.program("decide").attachXdp("v1", { netns: "/run/netns/libbpf-ts-nothing" })).toThrow(/ENOENT/);
    expect(() => object.program("decide").attachXdp("v1", { netns, mode: "fast" as "auto" })).toThrow(ArgumentError);
    expect(ownNetns()).toBe(before);
    expect(queryXdp("v1", { netns }).programId).toBe(0);
    const program = object.program("decide");
    program.close();
    expect(() => program.attachXdp("v1", { netns })).toThrow(ClosedError);
  });

  it("keeps a pinned link attached and finds it again", () => {
    const object = deciding(XdpAction.PASS);
    const path = `${pins}/link`;
    const link = object.program("decide").attachXdp("v1", { netns });
    const { id } = link.info();
    link.pin(path);
    link.close();
    expect(queryXdp("v1", { netns }).linkIds).toEqual([id]);
    const again = BpfLink.fromPin(path);
    expect(again.info().id).toBe(id);
    expect([...listLinks()].find((one) => one.id === id)).toMatchObject({ type: "xdp" });
    expect(() => BpfMap.fromPin(path)).toThrow(/EPROTOTYPE/);
    again.update(object.program("drop_all"));
    again.unpin();
    expect(queryXdp("v1", { netns }).programId).toBe(object.program("drop_all").id);
    again.close();
    expect(queryXdp("v1", { netns }).programId).toBe(0);
  });

  it("attaches to tc, and takes away only its own filter", async () => {
    const object = deciding(XdpAction.PASS);
    const { messages } = await veth.receive(7002);
    const drop = object.program("tc_drop").attachTc("v1", { netns, direction: "ingress", handle: 1, priority: 10 });
    expect(drop.filter).toMatchObject({ handle: 1, priority: 10, hookCreated: true, programId: object.program("tc_drop").id });
    expect(drop.isAttached()).toBe(true);
    expect(queryTc("v1", { netns, direction: "ingress", handle: 1, priority: 10 })).toBe(object.program("tc_drop").id);
    expect(queryTc("v1", { netns, direction: "ingress", handle: 2, priority: 10 })).toBeUndefined();
    expect(() => object.program("tc_pass").attachTc("v1", { netns, direction: "ingress", handle: 1, priority: 10 }))
      .toThrow(AttachBusyError);
    const counter = object.program("decide").attachXdp("v1", { netns });
    const before = object.getGlobalInteger("run_count");
    veth.send(7002, "dropped");
    await until(() => object.getGlobalInteger("run_count") > before, "the datagram that tc drops");
    const pass = object.program("tc_pass").attachTc("v1", { netns, direction: "ingress", handle: 1, priority: 10, replace: true });
    expect(pass.filter.hookCreated).toBe(false);
    expect(() => { drop.detach(); }).toThrow(/ESTALE.*left alone/);
    veth.send(7002, "passes");
    await until(() => messages.includes("passes"), "the datagram that tc passes");
    expect(messages).toEqual(["passes"]);
    const egress = object.program("tc_drop").attachTc("v1", { netns, direction: "egress" });
    expect(egress.filter.handle).toBeGreaterThan(0);
    expect(egress.filter.priority).toBeGreaterThan(0);
    egress.detach();
    expect(egress.isAttached()).toBe(false);
    pass.detach({ destroyHook: true });
    pass.detach();
    expect(pass.isAttached()).toBe(false);
    expect(() => object.program("tc_pass").attachTc("v1", { netns, direction: "up" as "egress" })).toThrow(ArgumentError);
    expect(() => object.program("decide").attachTc("v1", { netns, direction: "ingress" })).toThrow(BpfError);
    expect(() => object.program("tc_drop").attachTc("v9", { netns, direction: "ingress" })).toThrow(/ENODEV/);
    counter.close();
  });

  it("forgets links and filters of a namespace that is gone", () => {
    const other = new VethPair();
    const object = deciding(XdpAction.PASS);
    const link = object.program("decide").attachXdp("v1", { netns: other.rightPath });
    const filter = object.program("tc_drop").attachTc("v1", { netns: other.rightPath, direction: "egress" });
    other.remove();
    filter.detach();
    expect(() => queryXdp("v1", { netns: other.rightPath })).toThrow(/ENOENT/);
    link.close();
  });
});
