// A rule while its options are read: what keywords write to.

import { type BufferDefinition, bufferByName } from "./buffers.js";
import { RuleError, semantics, syntax } from "./errors.js";
import type {
  Base64Match,
  ContentMatch,
  DetectionFilter,
  FlowCondition,
  Match,
  Operand,
  PacketCondition,
  PostAction,
  Rule,
  Threshold,
  Transform,
} from "./ir.js";
import { PROTO_DCERPC, PROTO_SMB } from "./protocols.js";
import type { RawOption } from "./raw.js";
import type { RegexCache } from "./regex.js";
import { parseNumber, type Text } from "./values.js";

/** Matches on one buffer, before directions and order are settled. */
export interface DraftList {
  buffer: BufferDefinition;
  transforms: Transform[];
  matches: Match[];
  /** Direction that the keyword names (`http.header: to_client`), for buffers that exist in both. */
  side?: 1 | 2;
  /** Where the keyword is, for messages. */
  at: number;
}

/** What a content was told about fast_pattern. */
export interface FastPatternRequest {
  only: boolean;
  offset: number;
  length: number;
  at: number;
}

/** What the options of a rule do not know themselves. */
export interface Surroundings {
  variables: { addresses: ReadonlyMap<string, string>; ports: ReadonlyMap<string, string> };
  regexes: RegexCache;
  /** What `flow` options say, by their text. */
  flows: Map<string, FlowCondition>;
  /** Lines of a data set's file, or undefined if there is none. */
  dataset: (name: string) => readonly string[] | undefined;
  /** @throws RuleError if there is no such keyword */
  requireKeyword: (name: Text) => void;
}

export class Draft {
  sid = 0;
  gid = 1;
  rev = 0;
  msg = "";
  classtype = "";
  priority = 0;
  noalert = false;
  target: Rule["target"];
  references: { scheme: string; value: string }[] = [];
  metadata: Rule["metadata"] = [];
  flow: (FlowCondition & { at: number }) | undefined;
  conditions: PacketCondition[] = [];
  lists: DraftList[] = [];
  post: PostAction[] = [];
  threshold: Threshold | undefined;
  detectionFilter: DetectionFilter | undefined;
  variables: string[] = [];
  prefilter: number | undefined;
  ignored: string[] = [];
  /** Application protocol, from the header or from keywords; 0 when none has been named. */
  app = 0;
  /** The rule is about both directions of a transaction. */
  transactional = false;
  fastPatterns = new Map<ContentMatch, FastPatternRequest>();
  contentPlaces = new Map<ContentMatch, number>();
  /** Options that may be used once and have been. */
  readonly #once = new Set<string>();
  /** Buffer of a sticky keyword; contents go to the payload without one. */
  sticky: DraftList | undefined;
  /** base64_decode whose result base64_data has made the current buffer. */
  base64: Base64Match | undefined;
  lastBase64: Base64Match | undefined;
  /** The content read last, and the list it is in. */
  #last: { content: ContentMatch; list: Match[] } | undefined;
  readonly #lastInList = new WeakMap<Match[], ContentMatch>();
  /** The list that the match read last is in. */
  #lastList: Match[] | undefined;

  constructor(readonly surroundings: Surroundings) {}

  /** The option's value. @throws RuleError without one */
  value(option: RawOption): Text {
    if (option.value === undefined || option.value === "") throw syntax(option.at, `${option.name} needs a value`);
    return { text: option.value, at: option.valueAt };
  }

  /** @throws RuleError if the option has a value */
  noValue(option: RawOption): void {
    if (option.value !== undefined && option.value !== "") throw syntax(option.valueAt, `${option.name} takes no value`);
  }

  /** @throws RuleError the second time */
  once(option: RawOption, name = option.name): void {
    if (this.#once.has(name)) throw semantics(option.at, `${name} may be used only once in a rule`);
    this.#once.add(name);
  }

  /** The matches that a payload keyword adds to now. */
  matches(): Match[] {
    if (this.base64 !== undefined) return this.base64.matches;
    return (this.sticky ?? this.payload(-1)).matches;
  }

  /** The buffer whose matches are added to now. */
  buffer(): BufferDefinition {
    return (this.sticky ?? this.payload(-1)).buffer;
  }

  payload(at: number): DraftList {
    const payload = bufferByName("payload")!;
    const found = this.lists.find((list) => list.buffer.id === payload.id);
    if (found !== undefined) return found;
    const list: DraftList = { buffer: payload, transforms: [], matches: [], at };
    this.lists.push(list);
    return list;
  }

  /** Makes a buffer the current one. A buffer that may occur several times gets a list of its own with each use. */
  use(buffer: BufferDefinition, at: number, side?: 1 | 2): void {
    this.closeSticky(at);
    this.base64 = undefined;
    const known = buffer.multiple
      ? undefined
      : this.lists.find((list) => list.buffer.id === buffer.id && list.side === side && list.transforms.length === 0);
    this.sticky = known ?? { buffer, transforms: [], matches: [], at, ...(side !== undefined && { side }) };
    this.#before = this.sticky.matches.length;
    if (known === undefined) this.lists.push(this.sticky);
  }

  /** Matches that the current buffer had when its keyword was read. */
  #before = 0;

  /** Adds a transformation to the current buffer. @throws RuleError if it comes behind a match */
  transform(transform: Transform, at: number): void {
    const sticky = this.sticky;
    if (sticky === undefined || this.base64 !== undefined) throw semantics(at, `${transform.type} must follow a sticky buffer`);
    if (sticky.matches.length > this.#before)
      throw semantics(at, `${transform.type} must come directly behind the sticky buffer`);
    if (this.#before === 0) {
      sticky.transforms.push(transform);
      return;
    }
    // The same buffer was used before as it is.
    const { buffer, side } = sticky;
    this.sticky = { buffer, transforms: [transform], matches: [], at, ...(side !== undefined && { side }) };
    this.#before = 0;
    this.lists.push(this.sticky);
  }

  /** Ends a sticky buffer. @throws RuleError if nothing was asked of it */
  closeSticky(at: number): void {
    if (this.sticky?.matches.length === 0) {
      throw semantics(at, `${this.sticky.buffer.name}: the buffer has nothing to match before the next one`);
    }
  }

  /** Adds a match to the current buffer; one that is relative goes, without a sticky buffer, where the match before it is. */
  add(match: Match, relative = false): void {
    this.addTo(this.#target(relative), match);
  }

  /** The match that the next one would follow. */
  previous(relative: boolean): Match | undefined {
    return this.#target(relative).at(-1);
  }

  #target(relative: boolean): Match[] {
    const follow = relative && this.sticky === undefined && this.base64 === undefined ? this.#lastList : undefined;
    return follow ?? this.matches();
  }

  /** Adds a match to a list of its own choice. */
  addTo(list: Match[], match: Match): void {
    list.push(match);
    this.#lastList = list;
    if (match.type === "content") {
      this.#last = { content: match, list };
      this.#lastInList.set(list, match);
    }
  }

  /** The content that a modifier is about. @throws RuleError without one */
  content(option: RawOption): ContentMatch {
    const inSticky = this.sticky !== undefined || this.base64 !== undefined;
    const found = inSticky ? this.#lastInList.get(this.matches()) : this.#last?.content;
    if (found === undefined) throw semantics(option.at, `${option.name} needs a content before it`);
    return found;
  }

  /** Moves the last content to another buffer, as `content:"x"; http_uri;` asks. */
  move(buffer: BufferDefinition, option: RawOption): void {
    if (this.sticky !== undefined) {
      throw semantics(
        option.at,
        `${option.name} cannot be used while the sticky buffer ${this.sticky.buffer.name} is set; use pkt_data before it`,
      );
    }
    const content = this.content(option);
    const payload = this.payload(option.at);
    const index = payload.matches.indexOf(content);
    if (index < 0) throw semantics(option.at, `${option.name}: the content is already in another buffer`);
    if (content.rawBytes) throw semantics(option.at, `rawbytes and ${option.name} exclude each other`);
    payload.matches.splice(index, 1);
    const list = this.listOf(buffer, option.at);
    list.matches.push(content);
    this.#last = { content, list: list.matches };
    this.#lastList = list.matches;
    this.#lastInList.set(list.matches, content);
  }

  /** The list of a buffer without transformations. */
  listOf(buffer: BufferDefinition, at: number): DraftList {
    let list = this.lists.find((entry) => entry.buffer.id === buffer.id && entry.transforms.length === 0);
    if (list === undefined) {
      list = { buffer, transforms: [], matches: [], at };
      this.lists.push(list);
    }
    return list;
  }

  /** A number, or a variable that byte_extract or byte_math made before. */
  operand(value: Text, what: string, min: number, max: number): Operand {
    const text = value.text.trim();
    if (/^[+-]?\d/.test(text)) return parseNumber(value, what, min, max);
    const index = this.variables.indexOf(text);
    if (index < 0)
      throw semantics(
        value.at,
        `${what}: "${text.slice(0, 40)}" is neither a number nor a variable of a byte_extract or byte_math before`,
      );
    return { variable: index };
  }

  /** Index of a new variable. @throws RuleError for a name that is taken or too many */
  variable(name: Text): number {
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name.text))
      throw syntax(name.at, `"${name.text.slice(0, 40)}" is not the name of a variable`);
    if (this.variables.includes(name.text)) throw semantics(name.at, `the variable ${name.text} exists already`);
    if (this.variables.length === MAX_VARIABLES) throw new RuleError("limit", name.at, `more than ${MAX_VARIABLES} variables`);
    return this.variables.push(name.text) - 1;
  }

  /** Makes the URI the current buffer, for uricontent. */
  useUri(option: RawOption): void {
    const uri = bufferByName("http.uri")!;
    this.require(uri.protocols, option.name, option.at);
    this.use(uri, option.at);
  }

  /** The byte order `dce` is that of a DCE/RPC header. */
  requireDce(option: RawOption): void {
    this.require([PROTO_DCERPC, PROTO_SMB], `${option.name} with dce`, option.at);
  }

  /** Says that the rule is about an application protocol. @throws RuleError if it is about another one */
  require(protocols: readonly number[], what: string, at: number): void {
    if (protocols.length === 0) return;
    if (this.app !== 0) {
      if (!protocols.includes(this.app)) throw semantics(at, `${what} does not exist in the protocol that the rule is about`);
    } else if (protocols.length === 1) this.app = protocols[0]!;
  }
}

const MAX_VARIABLES = 32;

/** Reads one option. */
export type Keyword = (draft: Draft, option: RawOption) => void;
