/** Link-layer header types of the packets that SecuXFlow can decode (tcpdump.org/linktypes.html). */
export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  PPP: 9,
  /** Raw IP, as some BSDs write it. */
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  C_HDLC: 104,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

const names = new Map<number, string>([
  [0, "NULL"],
  [1, "EN10MB"],
  [9, "PPP"],
  [12, "RAW"],
  [14, "RAW"],
  [101, "RAW"],
  [104, "C_HDLC"],
  [108, "LOOP"],
  [113, "LINUX_SLL"],
  [228, "IPv4"],
  [229, "IPv6"],
  [276, "LINUX_SLL2"],
]);

/** libpcap's name of a link type; undefined when it is none that is decoded here. */
export const linkTypeName = (linkType: number): string | undefined => names.get(linkType);
