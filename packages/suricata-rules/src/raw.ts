// The outer form of a rule: `action protocol address port direction address port (option; option: value; …)`.

import { syntax } from "./errors.js";

export interface RawOption {
  name: string;
  /** Text behind the colon without surrounding blanks; undefined without a colon. */
  value: string | undefined;
  /** Offsets into the rule's text. */
  at: number;
  valueAt: number;
}

/** A part of the header and where it is. */
export interface RawPart {
  text: string;
  at: number;
}

export interface RawRule {
  action: RawPart;
  protocol: RawPart;
  src: RawPart;
  srcPorts: RawPart;
  direction: RawPart;
  dst: RawPart;
  dstPorts: RawPart;
  options: RawOption[];
}

const MAX_RULE = 65_536;
const MAX_OPTIONS = 1_000;

const isBlank = (code: number): boolean => code === 32 || code === 9;

/** Parses the outer form of a rule. @throws RuleError of kind syntax */
export function parseRaw(text: string): RawRule {
  if (text.length > MAX_RULE) throw syntax(0, `the rule is ${text.length} characters long; the limit is ${MAX_RULE}`);
  const header: RawPart[] = [];
  let at = 0;
  const names = [
    "an action",
    "a protocol",
    "a source address",
    "a source port",
    "a direction",
    "a destination address",
    "a destination port",
  ];
  for (const name of names) {
    while (isBlank(text.charCodeAt(at))) at++;
    const start = at;
    let depth = 0;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 91) depth++;
      else if (code === 93) depth--;
      else if (depth <= 0 && (isBlank(code) || (code === 40 && header.length === 6))) break;
    }
    if (at === start) throw syntax(start, `${name} is missing`);
    if (depth > 0) throw syntax(start, "[ has no ]");
    header.push({ text: text.slice(start, at), at: start });
  }
  while (isBlank(text.charCodeAt(at))) at++;
  if (text[at] !== "(") throw syntax(at, "( is missing before the options");
  const end = text.lastIndexOf(")");
  if (end < at) throw syntax(text.length, ") is missing behind the options");
  const rest = text.slice(end + 1).search(/\S/);
  if (rest >= 0) throw syntax(end + 1 + rest, "nothing may follow the ) behind the options");
  const options = parseOptions(text, at + 1, end);
  const [action, protocol, src, srcPorts, direction, dst, dstPorts] = header as [
    RawPart,
    RawPart,
    RawPart,
    RawPart,
    RawPart,
    RawPart,
    RawPart,
  ];
  return { action, protocol, src, srcPorts, direction, dst, dstPorts, options };
}

/** Options end at a semicolon that has no backslash before it; quotes do not protect a semicolon (as in Suricata). */
function parseOptions(text: string, from: number, end: number): RawOption[] {
  const options: RawOption[] = [];
  let at = from;
  for (;;) {
    while (at < end && isBlank(text.charCodeAt(at))) at++;
    if (at >= end) return options;
    let stop = text.indexOf(";", at);
    while (stop > at && text.charCodeAt(stop - 1) === 92) stop = text.indexOf(";", stop + 1);
    if (stop < 0 || stop >= end) throw syntax(at, "the option has no ; at its end");
    if (options.length === MAX_OPTIONS) throw syntax(at, `more than ${MAX_OPTIONS} options`);
    const colon = text.indexOf(":", at);
    const hasValue = colon >= 0 && colon < stop;
    const name = text.slice(at, hasValue ? colon : stop).trimEnd();
    if (!/^[A-Za-z0-9_.-]+$/.test(name)) throw syntax(at, `"${name.slice(0, 40)}" is not the name of an option`);
    if (hasValue) {
      let valueAt = colon + 1;
      while (valueAt < stop && isBlank(text.charCodeAt(valueAt))) valueAt++;
      options.push({ name, value: text.slice(valueAt, stop).trimEnd(), at, valueAt });
    } else options.push({ name, value: undefined, at, valueAt: stop });
    at = stop + 1;
  }
}
