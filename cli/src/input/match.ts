/** What says which packets are meant, in a rule and in a forward. */
interface Match {
  readonly src: string;
  readonly dst: string;
  readonly sport?: number | undefined;
  readonly port?: number | undefined;
  readonly proto: string;
}

const end = (address: string, port: number | undefined): string => {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
};

/** One line for people: "tcp 192.168.1.0/24 -> 10.0.0.5:80". */
export function describeMatch({ src, dst, sport, port, proto }: Match): string {
  return `${proto === "any" ? "" : `${proto} `}${end(src, sport)} -> ${end(dst, port)}`;
}

/** One line for people: "tcp 10.1.0.9:51234 -> 10.2.0.5:80". Port 0 means that the protocol has none. */
export function describeFlow(flow: { src: string; dst: string; sport: number; dport: number; proto: string }): string {
  const port = (value: number) => (value === 0 ? undefined : value);
  return describeMatch({ src: flow.src, dst: flow.dst, sport: port(flow.sport), port: port(flow.dport), proto: flow.proto });
}
