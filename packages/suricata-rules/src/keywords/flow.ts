// Keywords on flows and on what is remembered between packets.

import { semantics, syntax } from "../errors.js";
import type { Draft, Keyword } from "../draft.js";
import type { FlowCondition, Threshold, TrackBy } from "../ir.js";
import type { RawOption } from "../raw.js";
import { nameAndValue, parseNumber, splitCommas, type Text, unquote } from "../values.js";

const MAX_SECONDS = 0xffff_ffff;
const NAME = /^[^\s,;|"]+$/;

function flow(draft: Draft, option: RawOption): void {
  draft.once(option);
  const known = draft.surroundings.flows.get(option.value ?? "");
  const flow = known ?? parseFlow(draft, option);
  if (known === undefined) draft.surroundings.flows.set(option.value ?? "", flow);
  draft.flow = { ...flow, at: option.at };
}

function parseFlow(draft: Draft, option: RawOption): FlowCondition {
  const flow: FlowCondition = {
    directions: 3,
    state: "any",
    onlyStream: false,
    noStream: false,
    onlyFrag: false,
    noFrag: false,
  };
  let stateless = false;
  for (const { text, at } of splitCommas(unquote(draft.value(option)))) {
    switch (text.toLowerCase()) {
      case "to_server":
      case "from_client":
        if (flow.directions === 2) throw semantics(at, "flow: to_server and to_client exclude each other");
        flow.directions = 1;
        break;
      case "to_client":
      case "from_server":
        if (flow.directions === 1) throw semantics(at, "flow: to_server and to_client exclude each other");
        flow.directions = 2;
        break;
      case "established":
      case "not_established": {
        const state = text.toLowerCase() as "established" | "not_established";
        if (stateless || (flow.state !== "any" && flow.state !== state))
          throw semantics(at, "flow: established, not_established and stateless exclude each other");
        flow.state = state;
        break;
      }
      case "stateless":
        if (flow.state !== "any") throw semantics(at, "flow: established, not_established and stateless exclude each other");
        stateless = true;
        break;
      case "only_stream":
        if (flow.noStream) throw semantics(at, "flow: only_stream and no_stream exclude each other");
        flow.onlyStream = true;
        break;
      case "no_stream":
        if (flow.onlyStream) throw semantics(at, "flow: only_stream and no_stream exclude each other");
        flow.noStream = true;
        break;
      case "only_frag":
        if (flow.noFrag) throw semantics(at, "flow: only_frag and no_frag exclude each other");
        flow.onlyFrag = true;
        break;
      case "no_frag":
        if (flow.onlyFrag) throw semantics(at, "flow: only_frag and no_frag exclude each other");
        flow.noFrag = true;
        break;
      default:
        throw syntax(at, `flow: "${text}" is not one of its options`);
    }
  }
  return flow;
}

/** `a|b|c`. */
function names(value: Text, what: string): string[] {
  const out = value.text.split("|").map((name) => name.trim());
  for (const name of out) if (!NAME.test(name)) throw syntax(value.at, `${what}: "${name}" is not a name`);
  return out;
}

function flowbits(draft: Draft, option: RawOption): void {
  const value = unquote(draft.value(option));
  const comma = value.text.indexOf(",");
  const operation = (comma < 0 ? value.text : value.text.slice(0, comma)).trim();
  if (operation === "noalert") {
    if (comma >= 0) throw syntax(value.at, "flowbits: noalert takes no name");
    draft.noalert = true;
    return;
  }
  if (comma < 0) throw syntax(value.at, `flowbits: ${operation} needs a name`);
  const list = names({ text: value.text.slice(comma + 1).trim(), at: value.at + comma + 1 }, "flowbits");
  if (operation === "isset" || operation === "isnotset") draft.conditions.push({ type: "flowbits", operation, names: list });
  else if (operation === "set" || operation === "unset" || operation === "toggle") {
    if (list.length > 1) throw semantics(value.at, `flowbits: ${operation} takes one name`);
    draft.post.push({ type: "flowbits", operation, names: list });
  } else throw syntax(value.at, `flowbits: "${operation}" is not an operation`);
}

type Track = "ip_src" | "ip_dst" | "ip_pair";

function xbits(draft: Draft, option: RawOption): void {
  const parts = splitCommas(unquote(draft.value(option)));
  const operation = parts[0]!.text;
  if (operation === "noalert") {
    draft.noalert = true;
    return;
  }
  const name = parts[1];
  if (name === undefined || !NAME.test(name.text)) throw syntax(option.valueAt, `xbits: ${operation} needs a name`);
  let track: Track | undefined;
  let expire = 30;
  for (const part of parts.slice(2)) {
    const { name: key, value } = nameAndValue(part);
    if (key === "track" && (value?.text === "ip_src" || value?.text === "ip_dst" || value?.text === "ip_pair"))
      track = value.text;
    else if (key === "expire" && value !== undefined) {
      expire = parseNumber(value, "xbits expire", 0, MAX_SECONDS);
      if (expire === 0) throw semantics(value.at, "xbits: expire must be more than 0");
    } else throw syntax(part.at, `xbits: "${part.text}" is not one of its options`);
  }
  if (track === undefined) throw syntax(option.valueAt, "xbits needs track ip_src, ip_dst or ip_pair");
  if (operation === "isset" || operation === "isnotset")
    draft.conditions.push({ type: "xbits", operation, name: name.text, track });
  else if (operation === "set" || operation === "unset" || operation === "toggle") {
    draft.post.push({ type: "xbits", operation, name: name.text, track, expire });
  } else throw syntax(option.valueAt, `xbits: "${operation}" is not an operation`);
}

function hostbits(draft: Draft, option: RawOption): void {
  const parts = splitCommas(unquote(draft.value(option)));
  const operation = parts[0]!.text;
  if (operation === "noalert") {
    draft.noalert = true;
    return;
  }
  const name = parts[1];
  if (name === undefined || !NAME.test(name.text)) throw syntax(option.valueAt, `hostbits: ${operation} needs a name`);
  const host = parts[2]?.text ?? "src";
  if (host !== "src" && host !== "dst" && host !== "both") throw syntax(parts[2]!.at, "hostbits: the host is src, dst or both");
  if (operation === "isset" || operation === "isnotset")
    draft.conditions.push({ type: "hostbits", operation, name: name.text, host });
  else if (operation === "set" || operation === "unset" || operation === "toggle") {
    draft.post.push({ type: "hostbits", operation, name: name.text, host, expire: 300 });
  } else throw syntax(option.valueAt, `hostbits: "${operation}" is not an operation`);
}

function flowint(draft: Draft, option: RawOption): void {
  const parts = splitCommas(unquote(draft.value(option)));
  const name = parts[0]!.text;
  const operation = parts[1]?.text;
  if (!NAME.test(name) || operation === undefined) throw syntax(option.valueAt, "flowint is written name,operation,value");
  if (operation === "isset" || operation === "notset" || operation === "isnotset") {
    draft.conditions.push({ type: "flowint", operation: operation === "isset" ? "isset" : "notset", name });
    return;
  }
  const third = parts[2];
  if (third === undefined || third.text === "") throw syntax(option.valueAt, `flowint: ${operation} needs a value`);
  const value = /^\d/.test(third.text) ? parseNumber(third, "flowint", 0, 0xffff_ffff) : { name: third.text };
  switch (operation) {
    case "=":
    case "+":
    case "-":
      draft.post.push({ type: "flowint", operation, name, value });
      break;
    case "<":
    case "<=":
    case "==":
    case "!=":
    case ">=":
    case ">":
      draft.conditions.push({ type: "flowint", operation, name, value });
      break;
    default:
      throw syntax(parts[1]!.at, `flowint: "${operation}" is not an operation`);
  }
}

const TRACKS: Record<string, TrackBy> = {
  by_src: "by_src",
  by_dst: "by_dst",
  by_both: "by_both",
  by_rule: "by_rule",
  by_flow: "by_flow",
};
const TYPES: Record<string, Threshold["type"]> = { limit: "limit", threshold: "threshold", both: "both", backoff: "backoff" };

function rate(
  draft: Draft,
  option: RawOption,
): {
  type?: Threshold["type"];
  track: TrackBy;
  count: number;
  seconds: number;
  multiplier: number;
  uniqueOn?: "src_port" | "dst_port";
} {
  const seen = new Map<string, Text>();
  for (const part of splitCommas(unquote(draft.value(option)))) {
    const { name, value } = nameAndValue(part);
    if (
      value === undefined ||
      seen.has(name) ||
      !["type", "track", "count", "seconds", "multiplier", "unique_on"].includes(name)
    ) {
      throw syntax(part.at, `${option.name}: "${part.text}" is not one of its options, or is there twice`);
    }
    seen.set(name, value);
  }
  const unique = seen.get("unique_on");
  if (unique !== undefined && unique.text !== "src_port" && unique.text !== "dst_port")
    throw syntax(unique.at, "unique_on is src_port or dst_port");
  const uniqueOn = unique === undefined ? {} : { uniqueOn: unique.text as "src_port" | "dst_port" };
  const need = (name: string): Text => {
    const value = seen.get(name);
    if (value === undefined) throw syntax(option.valueAt, `${option.name} needs ${name}`);
    return value;
  };
  const trackText = need("track");
  const track = TRACKS[trackText.text];
  if (track === undefined) throw syntax(trackText.at, `${option.name}: "${trackText.text}" is nothing to track by`);
  const typeText = seen.get("type");
  const type = typeText === undefined ? undefined : TYPES[typeText.text];
  if (typeText !== undefined && type === undefined) throw syntax(typeText.at, `${option.name}: "${typeText.text}" is not a type`);
  const seconds = type === "backoff" ? 0 : parseNumber(need("seconds"), "seconds", 1, MAX_SECONDS);
  const multiplier = type === "backoff" ? parseNumber(need("multiplier"), "multiplier", 2, 65_535) : 1;
  const count = parseNumber(need("count"), "count", 1, MAX_SECONDS);
  return { ...(type === undefined ? {} : { type }), track, count, seconds, multiplier, ...uniqueOn };
}

export const FLOW: Record<string, Keyword> = {
  flow,
  flowbits,
  xbits,
  hostbits,
  flowint,
  threshold(draft, option) {
    if (draft.detectionFilter !== undefined) throw semantics(option.at, "threshold and detection_filter exclude each other");
    if (draft.threshold !== undefined) throw semantics(option.at, "threshold may be used only once in a rule");
    const { type, ...rest } = rate(draft, option);
    if (type === undefined) throw syntax(option.valueAt, "threshold needs type");
    draft.threshold = { type, ...rest };
  },
  detection_filter(draft, option) {
    if (draft.threshold !== undefined) throw semantics(option.at, "threshold and detection_filter exclude each other");
    if (draft.detectionFilter !== undefined) throw semantics(option.at, "detection_filter may be used only once in a rule");
    const { type, track, count, seconds, uniqueOn } = rate(draft, option);
    if (type !== undefined) throw syntax(option.valueAt, "detection_filter has no type");
    draft.detectionFilter = { track, count, seconds, ...(uniqueOn === undefined ? {} : { uniqueOn }) };
  },
  tag(draft, option) {
    const parts = splitCommas(unquote(draft.value(option)));
    const scope = parts[0]!.text;
    if (scope !== "session" && scope !== "host") throw syntax(option.valueAt, "tag starts with session or host");
    // Without numbers, Suricata tags the flow without an end; with the limit that it applies then.
    let count = 256;
    let unit: "packets" | "seconds" | "bytes" = "packets";
    if (parts[1] !== undefined) {
      count = parseNumber(parts[1], "tag", 1, 0xffff_ffff);
      const word = parts[2]?.text;
      if (word !== "packets" && word !== "seconds" && word !== "bytes")
        throw syntax(option.valueAt, "tag counts packets, seconds or bytes");
      unit = word;
    }
    const host = parts[3]?.text ?? "src";
    if (host !== "src" && host !== "dst") throw syntax(option.valueAt, "tag: the host is src or dst");
    if (scope === "session" && parts[3] !== undefined) throw semantics(option.valueAt, "tag: src and dst are for hosts");
    if (scope === "host" && parts[3] === undefined && parts[1] !== undefined)
      throw syntax(option.valueAt, "tag host needs src or dst");
    draft.post.push({ type: "tag", scope, count, unit, host });
  },
  bypass(draft, option) {
    draft.noValue(option);
    draft.post.push({ type: "bypass" });
  },
};
