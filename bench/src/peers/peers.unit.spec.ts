import { describe, expect, it } from "vitest";
import { Random } from "../rules/random.js";
import { ANY_PORT, type BenchRule } from "../rules/rule.js";
import { packetsElsewhere, packetsTo, randomAddresses } from "./addresses.js";
import { iptablesChain, iptablesDropAll } from "./iptables.js";
import { nftChain, nftDropAll, nftSet, nftSetElements } from "./nftables.js";

const host = (address: number) => ({ address, length: 32 });
const any = { address: 0, length: 0 };
const web: BenchRule = { src: { address: 0x0a000000, length: 8 }, dst: host(0xc0a80101), sport: ANY_PORT, dport: [80, 80], proto: 6 };
const range: BenchRule = { src: any, dst: host(0xc0a80101), sport: [1_024, 0xffff], dport: [8_000, 8_100], proto: 17 };
const gre: BenchRule = { src: host(0x01020304), dst: any, sport: ANY_PORT, dport: ANY_PORT, proto: 47 };
const open: BenchRule = { src: host(0x01020304), dst: any, sport: ANY_PORT, dport: ANY_PORT, proto: undefined };

describe("nftables rulesets", () => {
  it("drop everything, or by one rule after the other", () => {
    expect(nftDropAll("u0")).toContain('hook ingress device "u0"');
    expect(nftDropAll("u0")).toContain("counter drop");
    const text = nftChain("u0", [web, range, gre, open]);
    expect(text).toContain("ip saddr 10.0.0.0/8 ip daddr 192.168.1.1 ip protocol 6 th dport 80 counter drop");
    expect(text).toContain("ip daddr 192.168.1.1 ip protocol 17 th sport 1024-65535 th dport 8000-8100 counter drop");
    expect(text).toContain("    ip saddr 1.2.3.4 ip protocol 47 counter drop\n    ip saddr 1.2.3.4 counter drop\n");
  });

  it("hold rules as boxes of a concatenated set", () => {
    expect(nftSet("u0", [web, open])).toContain("elements = { 10.0.0.0-10.255.255.255 . 192.168.1.1 . 6 . 0-65535 . 80,\n      1.2.3.4 . 0.0.0.0-255.255.255.255 . 0-255 . 0-65535 . 0-65535 }");
    expect(nftSet("u0", [])).not.toContain("elements");
  });

  it("leave out of a set what the kernel would refuse there", () => {
    const inside: BenchRule = { ...web, src: { address: 0x0a010000, length: 16 } };
    expect(nftSetElements([web, gre, range])).toEqual([web, range]);
    expect(nftSetElements([web, inside])).toEqual([web]); // its first key lies in the wider one
    expect(nftSetElements([inside, web])).toEqual([inside, web]); // a wider one behind it has its corners outside
    expect(nftSetElements([web, web])).toEqual([web]);
  });
});

describe("iptables rulesets", () => {
  it("drop everything, or by one rule after the other", () => {
    expect(iptablesDropAll()).toBe("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DROP\nCOMMIT\n");
    expect(iptablesChain([web, range, gre, open])).toBe([
      "*raw", ":PREROUTING ACCEPT [0:0]",
      "-A PREROUTING -s 10.0.0.0/8 -d 192.168.1.1 -p tcp --dport 80 -j DROP",
      "-A PREROUTING -d 192.168.1.1 -p udp --sport 1024:65535 --dport 8000:8100 -j DROP",
      "-A PREROUTING -s 1.2.3.4 -p 47 -j DROP", "-A PREROUTING -s 1.2.3.4 -j DROP", "COMMIT", "",
    ].join("\n"));
  });
});

it("packets go to the addresses, or to none of them", () => {
  const addresses = randomAddresses(50, new Random(1));
  expect(new Set(addresses).size).toBe(50);
  expect(packetsTo(addresses, 200, new Random(2)).every(({ dst }) => addresses.includes(dst))).toBe(true);
  expect(packetsElsewhere(addresses, 200, new Random(3)).some(({ dst }) => addresses.includes(dst))).toBe(false);
});
