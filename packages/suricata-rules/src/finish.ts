// From a rule's draft to the rule: buffers in their final lists, directions, checks across keywords, what kind of rule it is.

import { type BufferDefinition, PAYLOAD } from "./buffers.js";
import type { Configuration } from "./configuration.js";
import type { Draft, DraftList } from "./draft.js";
import { semantics, unsupported } from "./errors.js";
import { chooseFastPattern } from "./fast-pattern.js";
import type {
  Action,
  ContentMatch,
  FlowCondition,
  Header,
  Inspection,
  Match,
  PacketCondition,
  Range,
  Rule,
  RuleKind,
} from "./ir.js";
import { PROTO_UNKNOWN, PROTOCOLS } from "./protocols.js";

const TCP = 6;
const MAX_MATCHES = 250;

/** Checks what only the whole rule shows, and makes the rule. @throws RuleError */
export function finishRule(
  draft: Draft,
  header: Header,
  action: Action,
  configuration: Configuration,
  file: string,
  line: number,
): Rule {
  draft.closeSticky(-1);
  if (draft.sid === 0) throw semantics(-1, "the rule has no sid");
  const lists = mergeLists(draft.lists.filter((list) => list.matches.length > 0));
  const flow = settleFlow(draft, lists);
  const app = settleProtocol(draft, header, lists);
  for (const list of lists) checkList(draft, list);
  checkPacketKeywords(draft, header, flow, lists);
  const inspections = lists.map((list): Inspection => ({
    buffer: list.buffer.id,
    directions: direction(flow.directions & sideOf(list), list),
    transforms: list.transforms,
    matches: list.matches,
  }));
  const classification = configuration.classifications.get(draft.classtype);
  const priority = draft.priority || (classification?.priority ?? 3);
  const fastPattern = chooseFastPattern(draft, inspections);
  const key = `${draft.gid}:${draft.sid}`;
  const threshold = thresholdOf(draft, key, configuration);
  const rateFilter = configuration.rateFilters.get(key);
  return {
    file,
    line,
    gid: draft.gid,
    sid: draft.sid,
    rev: draft.rev,
    msg: draft.msg,
    action,
    noalert: draft.noalert,
    classtype: draft.classtype,
    category: classification?.description ?? "",
    priority,
    severity: Math.min(priority, 4) as Rule["severity"],
    references: draft.references.map((reference) => withUrl(reference, configuration)),
    metadata: draft.metadata,
    ...(draft.target === undefined ? {} : { target: draft.target }),
    header: app === header.app ? header : { ...header, app, transports: narrow(header.transports, app) },
    flow,
    kind: kindOf(draft, app, lists),
    payload: payloadOf(draft, header, flow, lists),
    conditions: draft.conditions,
    inspections,
    variables: draft.variables,
    ...(fastPattern === undefined ? {} : { fastPattern }),
    ...(draft.prefilter === undefined ? {} : { prefilter: draft.prefilter }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(draft.detectionFilter === undefined ? {} : { detectionFilter: draft.detectionFilter }),
    ...(rateFilter === undefined ? {} : { rateFilter }),
    suppressions: [
      ...(configuration.suppressions.get(key) ?? []),
      ...(configuration.suppressions.get(`${draft.gid}:0`) ?? []),
      ...(configuration.suppressions.get("0:0") ?? []),
    ],
    post: draft.post,
    ignored: draft.ignored,
  };
}

/** An event filter for the rule comes before the rule's own threshold, one for all rules behind it. */
function thresholdOf(draft: Draft, key: string, { eventFilters }: Configuration): Rule["threshold"] {
  const own = eventFilters.get(key) ?? draft.threshold;
  if (own !== undefined || draft.detectionFilter !== undefined) return own;
  return eventFilters.get(`${draft.gid}:0`) ?? eventFilters.get("0:0");
}

function withUrl(reference: { scheme: string; value: string }, configuration: Configuration): Rule["references"][number] {
  const base = configuration.references.get(reference.scheme.toLowerCase());
  return base === undefined ? reference : { ...reference, url: base + reference.value };
}

/** Lists of the same buffer and the same transformations are one, unless the buffer may occur several times. */
function mergeLists(lists: readonly DraftList[]): DraftList[] {
  const out: DraftList[] = [];
  for (const list of lists) {
    const same =
      list.buffer.multiple || list.transforms.length === 0
        ? undefined
        : out.find(
            (other) =>
              other.buffer.id === list.buffer.id && other.side === list.side && JSON.stringify(other.transforms) === JSON.stringify(list.transforms),
          );
    if (same === undefined) out.push(list);
    else same.matches.push(...list.matches);
  }
  return out;
}

/** Buffers of one direction decide the rule's, and must agree. */
function settleFlow(draft: Draft, lists: readonly DraftList[]): FlowCondition {
  const { at = -1, ...flow } = draft.flow ?? {
    directions: 3,
    state: "any",
    onlyStream: false,
    noStream: false,
    onlyFrag: false,
    noFrag: false,
  };
  let directions = flow.directions;
  if (draft.transactional) {
    checkTransactional(draft, lists);
    return { ...flow, directions: 3 };
  }
  for (const list of lists) {
    if ((directions & list.buffer.directions) === 0) {
      const way = list.buffer.directions === 1 ? "to the server" : "to the client";
      const why =
        draft.flow !== undefined && (flow.directions & list.buffer.directions) === 0
          ? "flow says otherwise"
          : "another buffer of the rule does not";
      throw semantics(list.at < 0 ? at : list.at, `${list.buffer.name} exists only ${way}, but ${why}`);
    }
    directions = (directions & list.buffer.directions) as 1 | 2 | 3;
  }
  return { ...flow, directions };
}

/** Directions in which a list's buffer is looked at. */
const sideOf = ({ side, buffer }: DraftList): 1 | 2 | 3 => side ?? buffer.directions;

/** A rule on both directions of a transaction says of each buffer which direction is meant. @throws RuleError */
function checkTransactional(draft: Draft, lists: readonly DraftList[]): void {
  if (draft.flow !== undefined && draft.flow.directions !== 3)
    throw semantics(draft.flow.at, "a transactional rule (=>) has no direction of its own");
  for (const list of lists) {
    if (list.buffer.protocols.length === 0)
      throw semantics(list.at, `${list.buffer.name} is not part of a transaction, but the rule is transactional (=>)`);
    if (sideOf(list) === 3)
      throw semantics(list.at, `${list.buffer.name} exists in both directions: a transactional rule (=>) must say which`);
  }
  if (new Set(lists.map(sideOf)).size < 2)
    throw semantics(-1, "a transactional rule (=>) needs buffers of both directions");
}

const direction = (bits: number, list: DraftList): 1 | 2 | 3 => {
  if (bits === 0) throw semantics(list.at, `${list.buffer.name} does not exist in the rule's direction`);
  return bits as 1 | 2 | 3;
};

/** Protocol that buffers and header agree on, or 0. */
function settleProtocol(draft: Draft, header: Header, lists: readonly DraftList[]): number {
  let app = draft.app;
  const specific = lists.filter((list) => list.buffer.protocols.length > 0);
  for (const list of specific) {
    if (app !== 0 && !list.buffer.protocols.includes(app)) {
      throw semantics(list.at, `${list.buffer.name} does not exist in ${PROTOCOLS[app]!.name}`);
    }
    // file.data alone leaves it open which of its protocols it is.
    if (app === 0 && list.buffer.protocols.length === 1) app = list.buffer.protocols[0]!;
  }
  if (app !== 0) {
    const protocol = PROTOCOLS[app]!;
    if (header.transports.length > 0 && !header.transports.some((number) => protocol.transports.includes(number))) {
      throw semantics(0, `${protocol.name} does not run over ${header.protocol}`);
    }
    if (specific.length > 0 && !protocol.parsed) throw unsupported(0, `${protocol.name} is not parsed here`);
    if (header.protocol === "tcp-pkt" && specific.length > 0)
      throw semantics(0, `a rule on tcp-pkt cannot use ${specific[0]!.buffer.name}`);
  }
  return app;
}

function narrow(transports: readonly number[], app: number): number[] {
  const own = PROTOCOLS[app]!.transports;
  return transports.length === 0 ? [...own] : transports.filter((number) => own.includes(number));
}

/** Largest and smallest length that a range allows. */
const bounds = (range: Range): { min: number; max: number } => (range.negated ? { min: 0, max: Infinity } : range);

function contentsOf(matches: readonly Match[]): ContentMatch[] {
  return matches.filter((match): match is ContentMatch => match.type === "content");
}

/** What the list says about lengths, capitals, and what comes before what. */
function checkList(draft: Draft, list: DraftList): void {
  const { buffer, matches } = list;
  if (matches.length > MAX_MATCHES) throw unsupported(list.at, `${buffer.name}: more than ${MAX_MATCHES} matches`);
  const contents = contentsOf(matches);
  let most = Infinity;
  for (const match of matches) if (match.type === "bsize") most = Math.min(most, bounds(match.range).max);
  for (const content of contents) {
    const at = draft.contentPlaces.get(content) ?? list.at;
    if (!content.negated && content.bytes.length > most) {
      throw semantics(
        at,
        `the content has ${content.bytes.length} bytes, but ${buffer.name} may have at most ${most} by its length condition`,
      );
    }
    if (typeof content.offset === "number" && !content.negated && content.offset + content.bytes.length > most) {
      throw semantics(at, `the content would end behind the ${most} bytes that ${buffer.name} may have`);
    }
    if (list.transforms.length === 0) checkCase(buffer, content, at);
  }
  if (
    matches.some((match) => match.type === "absent") &&
    matches.length > 1 &&
    !matches.some((match) => match.type === "absent" && match.orElse)
  ) {
    throw semantics(list.at, `${buffer.name}: absent leaves nothing to match`);
  }
}

/** Buffers in lower case: hosts must be written so; digests are turned to it. */
function checkCase(buffer: BufferDefinition, content: ContentMatch, at: number): void {
  if (buffer.name === "http.method" && !content.nocase && /^[ \t]|[ \t]$/.test(Buffer.from(content.bytes).toString("latin1"))) {
    throw semantics(at, "http.method has no blanks around it, but the content has");
  }
  if (!buffer.lowercase || !content.bytes.some((byte) => byte >= 65 && byte <= 90)) return;
  if (buffer.name === "http.host") {
    if (content.nocase) return;
    throw semantics(at, "http.host is in lower case, but the content has capitals");
  }
  content.bytes = content.bytes.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
}

function checkPacketKeywords(draft: Draft, header: Header, flow: FlowCondition, lists: readonly DraftList[]): void {
  const has = (type: PacketCondition["type"]): PacketCondition | undefined =>
    draft.conditions.find((condition) => condition.type === type);
  const app = lists.find((list) => list.buffer.protocols.length > 0);
  const dsize = has("dsize");
  if (dsize?.type === "dsize") {
    if (app !== undefined && header.transports.includes(TCP))
      throw semantics(0, `dsize is about packets and ${app.buffer.name} about what several carry`);
    if (header.protocol === "tcp-stream" || flow.onlyStream)
      throw semantics(0, "dsize is about packets, but the rule is about streams only");
    const { max } = bounds(dsize.range);
    for (const list of lists) {
      if (list.buffer.id !== PAYLOAD) continue;
      for (const content of contentsOf(list.matches)) {
        if (!content.negated && content.bytes.length > max) {
          throw semantics(
            draft.contentPlaces.get(content) ?? 0,
            `the content has ${content.bytes.length} bytes, but dsize allows at most ${max}`,
          );
        }
      }
    }
  }
  if (header.protocol === "tcp-pkt" && flow.onlyStream) throw semantics(0, "tcp-pkt and flow:only_stream exclude each other");
  if (header.protocol === "tcp-stream" && flow.noStream) throw semantics(0, "tcp-stream and flow:no_stream exclude each other");
  for (const condition of draft.conditions) {
    const needs = condition.type.startsWith("tcp.") || condition.type === "flags" || condition.type === "stream_size" ? TCP : 0;
    if (needs !== 0 && header.transports.length > 0 && !header.transports.includes(needs)) {
      throw semantics(0, `${condition.type} is about TCP, the rule about ${header.protocol}`);
    }
  }
}

const isAppCondition = (condition: PacketCondition): boolean =>
  condition.type === "app-layer-event" ||
  condition.type === "ftpbounce" ||
  condition.type === "filesize" ||
  condition.type === "ssl_state" ||
  condition.type.startsWith("dns.") ||
  condition.type.startsWith("tls.") ||
  condition.type.startsWith("dcerpc.");

function kindOf(draft: Draft, app: number, lists: readonly DraftList[]): RuleKind {
  if (
    lists.some((list) => list.buffer.protocols.length > 0) ||
    draft.conditions.some((c) => isAppCondition(c) && !(c.type === "app-layer-event" && c.app === 0))
  ) {
    return "transaction";
  }
  if (lists.length > 0) return "payload";
  if (draft.conditions.length > 0 && draft.conditions.every((condition) => condition.type === "decode-event")) return "decoder";
  const once = draft.conditions.every(({ type }) => type === "ip_proto" || type === "xbits" || type === "hostbits");
  if (once && app === PROTO_UNKNOWN && draft.flow === undefined && draft.detectionFilter === undefined) return "ip";
  return "packet";
}

/** Suricata's choice between packets and the stream for contents without a buffer. */
function payloadOf(draft: Draft, header: Header, flow: FlowCondition, lists: readonly DraftList[]): Rule["payload"] {
  const list = lists.find((entry) => entry.buffer.id === PAYLOAD);
  if (list === undefined) return "none";
  if (header.transports.length > 0 && !header.transports.includes(TCP)) return "packet";
  if (header.protocol === "tcp-pkt" || flow.noStream || draft.conditions.some((condition) => condition.type === "dsize"))
    return "packet";
  if (header.protocol === "tcp-stream" || flow.onlyStream) return "stream";
  const placed = contentsOf(list.matches).some((content) => content.offset !== undefined || content.depth !== undefined);
  return placed || draft.conditions.some((condition) => condition.type === "stream_size") ? "both" : "stream";
}
