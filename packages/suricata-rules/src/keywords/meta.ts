// Keywords that say what a rule is, not what it matches.

import { semantics, syntax, unsupported } from "../errors.js";
import type { Keyword } from "../draft.js";
import { nameAndValue, parseNumber, splitCommas, unescapeText, unquote } from "../values.js";

const MAX_ID = 0xffff_ffff;

export const META: Record<string, Keyword> = {
  msg(draft, option) {
    draft.msg = unescapeText(unquote(draft.value(option)).text);
  },
  sid(draft, option) {
    draft.once(option);
    draft.sid = parseNumber(unquote(draft.value(option)), "sid", 1, MAX_ID);
  },
  gid(draft, option) {
    draft.once(option);
    draft.gid = parseNumber(unquote(draft.value(option)), "gid", 0, MAX_ID);
  },
  rev(draft, option) {
    draft.once(option);
    draft.rev = parseNumber(unquote(draft.value(option)), "rev", 0, MAX_ID);
  },
  classtype(draft, option) {
    draft.classtype = unquote(draft.value(option)).text;
    if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(draft.classtype))
      throw syntax(option.valueAt, `"${draft.classtype}" is not the name of a class`);
  },
  priority(draft, option) {
    draft.once(option);
    draft.priority = parseNumber(unquote(draft.value(option)), "priority", 0, 255);
  },
  reference(draft, option) {
    const value = unquote(draft.value(option));
    const comma = value.text.indexOf(",");
    if (comma <= 0 || comma === value.text.length - 1) throw syntax(value.at, "reference needs a scheme, a comma and a value");
    draft.references.push({ scheme: value.text.slice(0, comma).trim(), value: value.text.slice(comma + 1).trim() });
  },
  metadata(draft, option) {
    if (option.value === undefined) throw syntax(option.at, "metadata needs a value");
    for (const part of splitCommas(unquote(draft.value(option)))) {
      const { name, value } = nameAndValue(part);
      if (name !== "") draft.metadata.push({ key: name, value: value?.text ?? "" });
    }
  },
  target(draft, option) {
    const { text, at } = draft.value(option);
    if (text !== "src_ip" && text !== "dest_ip") throw syntax(at, "target is src_ip or dest_ip");
    draft.target = text;
  },
  noalert(draft, option) {
    draft.noalert = true;
    draft.noValue(option);
  },
  alert(draft, option) {
    draft.noValue(option);
    draft.noalert = false;
  },
  requires(draft, option) {
    for (const part of splitCommas(draft.value(option))) {
      const { name, value } = nameAndValue(part);
      if (name === "keyword" && value !== undefined) {
        draft.surroundings.requireKeyword(value);
        continue;
      }
      if (name !== "version" && name !== "feature") throw unsupported(part.at, `requires: "${name}" is not known here`);
      if (name === "feature") throw unsupported(part.at, `requires: the feature ${value?.text ?? ""} is not here`);
      if (value !== undefined && /^>=?\s*(?:9|\d\d)\b/.test(value.text))
        throw semantics(part.at, "requires: a later version of the rule language");
    }
  },
};
for (const name of ["filestore", "config", "firewall"]) {
  META[name] = (draft, option): void => {
    if (name === "firewall") throw unsupported(option.at, "firewall rules are not supported");
    draft.ignored.push(option.value === undefined ? name : `${name}:${option.value}`);
  };
}
