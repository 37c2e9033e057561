import { NO_PROTECTION, ProtectionStatus, TopSources } from "@secuxflow/contracts";
import { describe, expect, it } from "vitest";
import { DEFENCE_COUNT, SPACE, TALKER_TABLE, TALKERS } from "../domain/layout.js";
import { FakeDefence } from "../testing/fake-defence.js";
import { Defence } from "./defence.js";
import type { NetworkFacts } from "./defence-port.js";

const V4 = 0xffff_0000_0000n;
const SECOND = 1_000_000_000n;
const facts = (...addresses: string[]): NetworkFacts => ({ addresses, synCookies: 1 });
const make = (networks: Record<string, NetworkFacts | Error> = { own: facts() }, namespaces: (string | undefined)[] = [undefined]) => {
  const port = new FakeDefence();
  const readNetwork = (netns: string | undefined): Promise<NetworkFacts> => {
    const found = networks[netns ?? "own"];
    return found instanceof Error || found === undefined ? Promise.reject(found ?? new Error("no such namespace")) : Promise.resolve(found);
  };
  return { port, networks, defence: new Defence({ port, readNetwork, namespaces }) };
};

describe("Defence", () => {
  it("tells the state of SYN cookies and the counters", async () => {
    const { port, defence } = make();
    port.counts[DEFENCE_COUNT.cookies] = { packets: 5, bytes: 0 };
    port.counts[DEFENCE_COUNT.ackValid] = { packets: 4, bytes: 0 };
    port.counts[DEFENCE_COUNT.ackInvalid] = { packets: 3, bytes: 0 };
    port.counts[DEFENCE_COUNT.sourceLimited] = { packets: 2, bytes: 200 };
    port.counts[DEFENCE_COUNT.established] = { packets: 1, bytes: 60 };
    expect(ProtectionStatus.parse(defence.status())).toEqual({
      synCookiesActive: false, synRate: 0, syns: 0, cookiesSent: 5, cookiesValid: 4, cookiesInvalid: 3,
      overSourceLimit: { packets: 2, bytes: 200 }, establishedPassed: { packets: 1, bytes: 60 },
    });
    await defence.configure({ ...NO_PROTECTION, synCookies: "on" });
    expect(defence.status().synCookiesActive).toBe(true);
    await defence.configure({ ...NO_PROTECTION, synCookies: "auto" });
    expect(defence.status().synCookiesActive).toBe(false);
    port.activeUntilNs = port.nowNs + 1n;
    expect(defence.status().synCookiesActive).toBe(true);
  });

  it("measures the rate of SYNs over a second at least", () => {
    const { port, defence } = make();
    const at = (ns: bigint, syns: number): number => {
      port.nowNs += ns;
      port.counts[DEFENCE_COUNT.syns] = { packets: syns, bytes: 0 };
      return defence.status().synRate;
    };
    expect([at(0n, 1_000), at(SECOND / 2n, 1_400), at(SECOND / 2n, 1_500), at(SECOND / 10n, 9_000), at(2n * SECOND, 9_000)]).toEqual([0, 0, 500, 500, 7_500 / 2.1]);
  });

  it("guards the host's addresses and the services', which go first", async () => {
    const { port, networks, defence } = make({ own: facts("10.0.0.1", "fd00::1"), "/run/netns/a": facts("10.1.0.1") }, [undefined, "/run/netns/a"]);
    await defence.refresh();
    defence.setServices([{ address: "10.88.0.1", nsid: 7 }, { address: "10.0.0.1" }, { address: "fd00::1", nsid: 3 }]);
    const v4 = (tail: string): string => `00000000000000000000ffff${tail}`;
    expect(port.spaces).toEqual(new Map([
      [v4("0a000001"), SPACE.own], ["fd000000000000000000000000000001", 3], [v4("0a010001"), SPACE.own], [v4("0a580001"), 7],
    ]));
    // An address that went is no longer guarded; where a namespace cannot be read, what was known stays.
    networks.own = facts("10.0.0.2");
    defence.setServices([]);
    await defence.refresh();
    expect([...port.spaces.keys()]).toEqual([v4("0a000002"), v4("0a010001")]);
    networks["/run/netns/a"] = new Error("gone");
    await defence.configure({ ...NO_PROTECTION, synCookies: "auto" });
    await defence.refresh();
    expect([...port.spaces.keys()].sort()).toEqual([v4("0a000002"), v4("0a010001")]);
    expect(defence.status().problem).toBe("the addresses in /run/netns/a cannot be read: gone");
  });

  it("says that the kernel makes no cookies, while they are wanted", async () => {
    const { networks, defence } = make({ own: { addresses: [], synCookies: 0 } });
    await defence.refresh();
    expect(defence.status().problem).toBeUndefined();
    await defence.configure({ ...NO_PROTECTION, synCookies: "on" });
    expect(defence.status().problem).toMatch(/tcp_syncookies is 0: the kernel makes no SYN cookies/);
    networks.own = facts();
    await defence.refresh();
    expect(defence.status().problem).toBeUndefined();
  });

  it("keeps to the size of the map, services before addresses", async () => {
    const addresses = Array.from({ length: 2_000 }, (_, i) => `10.2.${i >> 8}.${i & 255}`);
    const { port, defence } = make({ own: facts(...addresses) });
    defence.setServices([{ address: "10.88.0.1", nsid: 7 }]);
    await defence.refresh();
    expect(port.spaces.size).toBe(SPACE.entries);
    expect(port.spaces.get("00000000000000000000ffff0a580001")).toBe(7);
  });

  it("lists who sent most in the last whole window, and reads it once", () => {
    const { port, defence } = make();
    const window = 99;
    port.putTalker(TALKER_TABLE.sourcePackets, 0, { hi: 0n, lo: V4 | 0x0a00_0001n, weight: 10, window });
    port.putTalker(TALKER_TABLE.sourcePackets, 9, { hi: 0n, lo: V4 | 0x0a00_0002n, weight: 20, window });
    port.putTalker(TALKER_TABLE.sourcePackets, 3, { hi: 0n, lo: V4 | 0x0a00_0003n, weight: 99, window: window - 2 });
    port.putTalker(TALKER_TABLE.sourceBytes, 5, { hi: 0n, lo: V4 | 0x0a00_0001n, weight: 9_000, window });
    port.putTalker(TALKER_TABLE.targetPackets, 5, { hi: 0xfd00n << 48n, lo: 1n, weight: 30, window });
    const top = TopSources.parse(defence.topSources());
    expect(top).toEqual({ windowMs: 8_590, sources: [{ address: "10.0.0.2", packets: 1_280, bytes: 0 }, { address: "10.0.0.1", packets: 640, bytes: 576_000 }] });
    expect(defence.topSources(1).sources).toHaveLength(1);
    expect(defence.topTargets()).toEqual([{ address: "fd00::1", packets: 1_920, bytes: 0 }]);
    expect(port.reads).toBe(4);
    port.nowNs += 1n << BigInt(TALKERS.windowShift);
    expect(defence.topSources().sources).toEqual([]);
    expect(port.reads).toBe(8);
  });
});
