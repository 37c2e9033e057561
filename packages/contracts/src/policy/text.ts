import { z } from "zod";
import { AddressError, formatPrefix, parsePrefix } from "../net/ip.js";
import { formatProtocol, parseProtocol } from "../net/protocol.js";
import { formatLength, formatPorts, parseLength, parsePorts, RangeTextError } from "../net/ranges.js";
import { formatTcpFlags, parseTcpFlags, TcpFlagsError } from "../net/tcp-flags.js";
import { TOKEN_PATTERN } from "../subjects.js";
import { POLICY_LIMITS } from "./limits.js";

type Context = z.core.$RefinementCtx;
type TextError = typeof AddressError | typeof RangeTextError | typeof TcpFlagsError;

/** Runs a parser of `net/` inside a schema: its typed error becomes the issue of the field. */
const reading = <I, O>(parse: (input: I) => O, Refusal: TextError) => (input: I, context: Context): O => {
  try {
    return parse(input);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
};

/** A prefix in canonical text. Input is normalised (an address stays bare, IPv6 per RFC 5952). */
export const PrefixText = z.string().max(64).transform(reading((text: string) => formatPrefix(parsePrefix(text)), AddressError));

const SET_REFERENCE = /^@[A-Za-z0-9_-]{1,64}$/;

/** "any", a prefix, or "@name" for a named address set. Normalised as PrefixText. */
export const AddressText = z.string().max(66).transform(reading((text: string) => {
  if (text === "any") return text;
  if (!text.startsWith("@")) return formatPrefix(parsePrefix(text));
  if (!SET_REFERENCE.test(text)) throw new AddressError(`${JSON.stringify(text)} is not a set: write @ and its name, 1 to 64 of A-Z a-z 0-9 _ -`);
  return text;
}, AddressError));

/** The set that an address text names, or undefined where it is "any" or a prefix. */
export const setNamed = (address: string): string | undefined => (address.startsWith("@") ? address.slice(1) : undefined);

/** "any", a protocol name (tcp, udp, icmp, icmpv6, sctp, gre) or its number (IANA protocol numbers). Normalised to the name. */
export const ProtocolText = z.union([z.string().max(16), z.number()]).transform((value, context) => {
  const number = parseProtocol(String(value));
  if (number === undefined) {
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a protocol; use any, tcp, udp, icmp, icmpv6, sctp, gre or a number from 0 to 255` });
    return z.NEVER;
  }
  return number === "any" ? "any" : formatProtocol(number);
});

/** What is left of ports and lengths, said for JSON Schema: nothing can be told from a transform. */
const Canonical = z.union([z.number().int(), z.string()]);
const NumberText = (message: string) => z.union([z.number(), z.string().max(256)], { error: message });

/** Ports: a number, a range "1000-2000" or a list "80,443,8000-8100". Normalised: sorted, merged; a single port is a number. */
export const PortsText = NumberText("ports are a number, a range or a list: 80, 1000-2000 or 80,443")
  .transform(reading((value: number | string) => formatPorts(parsePorts(value)), RangeTextError)).pipe(Canonical);

/** IP packet length in bytes: a number or a range "64-128". */
export const LengthText = NumberText("a length is a number of bytes or a range: 1500 or 64-128")
  .transform(reading((value: number | string) => formatLength(parseLength(value)), RangeTextError)).pipe(Canonical);

/** TCP flags: "syn,!ack". Normalised to the order of their bits. */
export const TcpFlagsText = z.string().max(64).transform(reading((text: string) => formatTcpFlags(parseTcpFlags(text)), TcpFlagsError));

/** One port from 0 to 65535. */
export const Port = z.number({ error: "a port is a whole number from 0 to 65535" }).int().min(0, "a port is at least 0").max(65_535, "a port is at most 65535");

/** One IPv4 or IPv6 address, canonical. */
export const HostText = z.string().max(64).transform(reading((text: string) => {
  const canonical = formatPrefix(parsePrefix(text));
  if (canonical.includes("/")) throw new AddressError(`${JSON.stringify(text)} is a prefix; here a single address is needed`);
  return canonical;
}, AddressError));

/** The IP family of an address or prefix in canonical text; undefined for "any" and sets. */
export const familyOf = (address: string): 4 | 6 | undefined =>
  address === "any" || address.startsWith("@") ? undefined : address.includes(":") ? 6 : 4;

/** A name of a set, a service or a module. */
export const Name = z.string().regex(TOKEN_PATTERN, "a name is 1 to 64 of A-Z a-z 0-9 _ -");

/** A Linux interface name (dev_valid_name: up to 15 bytes without blanks, / and :). */
export const InterfaceName = z.string().regex(/^(?!\.{1,2}$)[^\s/:]{1,15}$/, "an interface name is 1 to 15 characters without blanks, / and :");

export const Comment = z.string().max(POLICY_LIMITS.commentLength);
export const Label = z.string().max(64).regex(/^[\p{L}\p{N} ._:@/+-]+$/u, "use letters, digits, blanks and . _ : @ / + -");

