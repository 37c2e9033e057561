import { describe, expect, it } from "vitest";
import { parseEthtoolStatistics, parseIpReceived, parseIptablesPackets, parseOtherHost, parseSchedstat, vethReceived } from "./counters.js";

describe("kernel counters", () => {
  it("CPU time of a thread", () => {
    expect(parseSchedstat("123456789 42 7\n")).toBe(123_456_789);
    expect(() => parseSchedstat("")).toThrow(SyntaxError);
    expect(() => parseSchedstat("none at all")).toThrow(SyntaxError);
  });

  it("packets of a veth device, over its queues", () => {
    const statistics = parseEthtoolStatistics([
      "NIC statistics:", "     peer_ifindex: 7", "     rx_queue_0_xdp_packets: 100", "     rx_queue_0_xdp_bytes: 6400", "     rx_queue_1_xdp_packets: 20", "     tx_queue_0_xdp_xmit: 5", "",
    ].join("\n"));
    expect(statistics.get("peer_ifindex")).toBe(7);
    expect(vethReceived(statistics)).toBe(120);
    expect(vethReceived(new Map())).toBe(0);
  });

  it("packets that reached the IP stack", () => {
    expect(parseIpReceived("Ip: Forwarding DefaultTTL InReceives InHdrErrors\nIp: 1 64 4711 0\nIcmp: InMsgs\nIcmp: 3\n")).toBe(4_711);
    expect(() => parseIpReceived("Icmp: InMsgs\nIcmp: 3\n")).toThrow(SyntaxError);
  });

  it("packets that rules of iptables matched", () => {
    expect(parseIptablesPackets([
      "Chain PREROUTING (policy ACCEPT 3 packets, 120 bytes)", "    pkts      bytes target     prot opt in     out     source               destination",
      "      12      600 DROP       6    --  *      *       10.0.0.0/8           0.0.0.0/0            tcp dpt:80", "    3000    90000 DROP       0    --  *      *       0.0.0.0/0            0.0.0.0/0", "",
    ].join("\n"))).toBe(3_012);
    expect(parseIptablesPackets("")).toBe(0);
  });

  it("packets of another station", () => {
    expect(parseOtherHost('[{"ifname":"u0","stats64":{"rx":{"packets":9,"otherhost":8}}}]')).toBe(8);
    expect(parseOtherHost('[{"ifname":"u0","stats64":{"rx":{"packets":9}}}]')).toBe(0);
    expect(() => parseOtherHost("[]")).toThrow(SyntaxError);
  });
});
