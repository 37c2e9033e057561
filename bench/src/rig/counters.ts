import { readdirSync, readFileSync } from "node:fs";

/** CPU time of a thread in nanoseconds: the first field of proc(5) /proc/<tid>/schedstat. @throws {SyntaxError} it is none */
export function parseSchedstat(text: string): number {
  const [runtime = ""] = text.trim().split(/\s+/);
  if (!/^\d+$/.test(runtime)) throw new SyntaxError(`no scheduler statistics: ${JSON.stringify(text)}`);
  return Number(runtime);
}

/** What `ethtool -S` prints, by name. Lines that are no counter are left out. */
export function parseEthtoolStatistics(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^\s*([^:]+):\s+(\d+)\s*$/.exec(line);
    if (match?.[1] !== undefined) found.set(match[1], Number(match[2]));
  }
  return found;
}

/** Packets that a veth device's NAPI took from its peer: veth's own counters, over all receive queues. */
export const vethReceived = (statistics: ReadonlyMap<string, number>): number =>
  [...statistics].reduce((sum, [name, value]) => (/^rx_queue_\d+_xdp_packets$/.test(name) ? sum + value : sum), 0);

/** CPU time that threads have used so far, in nanoseconds. */
export const cpuTimeNs = (threads: readonly number[]): number => threads.reduce((sum, tid) => sum + parseSchedstat(readFileSync(`/proc/${tid}/schedstat`, "utf8")), 0);

/** The kernel threads that run a device's NAPI (named napi/<device>-<number>). */
export function napiThreads(dev: string): number[] {
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith(`napi/${dev}-`);
    } catch {
      return false; // It has ended since it was listed.
    }
  });
}

/** Packets that reached the IPv4 stack of a namespace: `Ip InReceives` of /proc/net/snmp. @throws {SyntaxError} it has none */
export function parseIpReceived(snmp: string): number {
  const [names = [], values = []] = snmp.split("\n").filter((line) => line.startsWith("Ip:")).map((line) => line.trim().split(/\s+/));
  const value = values[names.indexOf("InReceives")];
  if (value === undefined || !/^\d+$/.test(value)) throw new SyntaxError("no InReceives in the statistics of IP");
  return Number(value);
}

/** Packets that the rules of a chain matched, together: `iptables -nvxL <chain>`. */
export const parseIptablesPackets = (listing: string): number =>
  listing.split("\n").slice(2).reduce((sum, line) => sum + Number(/^\s*(\d+)\s/.exec(line)?.[1] ?? 0), 0);

/** Packets for another station that the stack threw away: `ip -j -s -s link show` of one device. @throws {SyntaxError} not there */
export function parseOtherHost(json: string): number {
  const [link] = JSON.parse(json) as { stats64?: { rx?: { otherhost?: number } } }[];
  if (link?.stats64?.rx === undefined) throw new SyntaxError("no statistics of the device");
  return link.stats64.rx.otherhost ?? 0; // left out where it is 0
}
