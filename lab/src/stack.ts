import type { Namespace } from "@secuxflow/testkit";

/** IPv4 packets that a namespace's own network stack has forwarded so far (`ForwDatagrams` of RFC 4293, as snmp(7) files have it). */
export async function forwardedByStack(host: Namespace): Promise<number> {
  const { stdout } = await host.exec("grep", ["^Ip:", "/proc/net/snmp"]);
  const [names, values] = stdout.split("\n").map((line) => line.split(" "));
  const count = Number(values?.[names?.indexOf("ForwDatagrams") ?? -1]);
  if (Number.isNaN(count)) throw new Error(`no ForwDatagrams in ${stdout}`);
  return count;
}
