import { POLICY_LIMITS, setNamed, type ForwardRule, type PolicyState } from "@secuxflow/contracts";
import { RuleEncoder, type BoundForward } from "../domain/encode.js";
import { readRecords, type GenerationHead } from "../domain/generation.js";
import { liveRecords } from "../domain/image-records.js";
import { DETAIL, ENTRY, HEAD_FLAG, KERNEL_LIMITS, RULE } from "../domain/layout.js";
import { NumberedNames, PolicyNotApplicable, type Names } from "../domain/names.js";
import { touchedIds, type TouchedRules } from "../domain/policy-change.js";
import { RuleStore, type StagedRule } from "../domain/rule-store.js";
import { SlotsExhausted, SlotTable } from "../domain/slots.js";
import type { GraceQueue } from "./grace.js";
import type { KernelPort } from "./kernel-port.js";
import { TimeSlice } from "./time-slice.js";

/** Times of expiry that differ by less are the same: wall clock and monotonic clock drift apart. */
const EXPIRY_TOLERANCE_NS = 1_000_000_000n;
const ZERO_AT_ONCE = 2_048;
const COMMIT_AT_ONCE = 1_024;

/** A change that is ready to be put in force. Nothing of it counts before; `discard` it, or `commit` and `account` for it. */
export interface PreparedRules {
  /** Rules that go, also those that come again in other words. */
  readonly removed: readonly number[];
  readonly staged: readonly StagedRule[];
  /** Slots that nobody has after the change. */
  readonly retiredSlots: readonly number[];
  /** Slots that went straight from a removed rule to a new one: zeroed after a grace period. */
  readonly reusedSlots: readonly number[];
  /** Rules that ask for sockets, after the change. */
  readonly asking: number;
  readonly forwards: EncodedForwards;
  readonly setNumbers: NumberedNames;
}

/** The records of all forwarding rules, and their counters. */
export interface EncodedForwards {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly slots: ReadonlyMap<number, number>;
}

export interface PolicyTablesOptions {
  readonly kernel: KernelPort;
  readonly serviceIndex: (name: string) => number;
  readonly ifindexes: (name: string) => readonly number[];
  readonly wallNowMs: () => number;
}

/**
 * The agent's own tables of the policy in force: the encoded records of all rules, the counters that they have, and the
 * numbers of address sets. Changes are prepared beside what stands, in pieces, so that the event loop is not held up.
 */
export class PolicyTables {
  readonly store = new RuleStore();
  readonly #kernel: KernelPort;
  readonly #encoder: RuleEncoder;
  readonly #slots: SlotTable;
  readonly #forwardSlots: SlotTable;
  readonly #ruleOfSlot = new Uint32Array(KERNEL_LIMITS.rules);
  #forwards: EncodedForwards;
  /** The policy in force; undefined after a restart until `adopt` or a whole comparison. */
  #state: PolicyState | undefined;
  #setNumbers = new NumberedNames("address sets", POLICY_LIMITS.sets);
  /** The numbers to encode with: those of the policy that is being prepared. */
  #encodingNumbers = this.#setNumbers;

  /** Takes over the rules and counters of a generation and the image it names, as an earlier run left them. */
  constructor(options: PolicyTablesOptions, head: GenerationHead, memory: Uint8Array, image: Uint8Array | undefined) {
    this.#kernel = options.kernel;
    this.#encoder = new RuleEncoder(this.#names(options), (iso) => {
      const monotonicMinusWall = options.kernel.monotonicNs() - BigInt(options.wallNowMs()) * 1_000_000n;
      return BigInt(Date.parse(iso)) * 1_000_000n + monotonicMinusWall;
    });
    const records = new Map<number, Uint8Array[]>();
    const note = (bytes: Uint8Array): void => {
      const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(ENTRY.detail + DETAIL.id, true);
      const known = records.get(id);
      if (known) known.push(bytes.slice());
      else records.set(id, [bytes.slice()]);
    };
    for (const { bytes } of readRecords(memory, 1, head.rules)) note(bytes);
    for (const bytes of image ? liveRecords(image, head.sequence) : []) note(bytes);
    this.store.commit([], [...records].map(([id, parts]) => this.store.stage(id, Buffer.concat(parts))));
    const standing = [...readRecords(memory, 1 + head.rules, head.forwards)];
    this.#forwards = {
      bytes: Buffer.concat(standing.map(({ bytes }) => bytes)), count: head.forwards, slots: new Map(standing.map(({ id, slot }) => [id, slot])),
    };
    for (const id of this.store.ids()) this.#ruleOfSlot[this.store.slotOf(id) ?? 0] = id;
    this.#slots = new SlotTable(KERNEL_LIMITS.rules, [...this.store.ids()].map((id) => this.store.slotOf(id) ?? 0));
    this.#forwardSlots = new SlotTable(KERNEL_LIMITS.forwards, this.#forwards.slots.values());
  }

  /** The policy in force, where it is known. */
  get state(): PolicyState | undefined {
    return this.#state;
  }

  get forwards(): EncodedForwards {
    return this.#forwards;
  }

  /** All rule slots that were ever in use are below this one. */
  get slotsEnd(): number {
    return this.#slots.end;
  }

  /** The rule whose counters a slot has now; 0 for none. */
  ruleOfSlot(slot: number): number {
    return this.#ruleOfSlot[slot] ?? 0;
  }

  /**
   * After a restart, says what the policy is that the maps were left with. Returns the bits of the sets that rules name;
   * undefined where the maps do not hold that policy.
   */
  adopt(state: PolicyState): ReadonlyMap<string, number> | undefined {
    if (state.rules.size !== this.store.size || state.forwards.size !== this.#forwards.slots.size) return undefined;
    const bits = new Map<string, number>();
    const names = new Map<number, string>();
    const agrees = (text: string, number: number): boolean => {
      const set = setNamed(text);
      if (set === undefined) return number === 0;
      if (number === 0 || (names.get(number) ?? set) !== set || (bits.get(set) ?? number - 1) !== number - 1) return false;
      names.set(number, set);
      bits.set(set, number - 1);
      return true;
    };
    for (const rule of state.rules.values()) {
      const record = this.store.firstRecord(rule.id);
      if (!record || !agrees(rule.src, record[ENTRY.detail + DETAIL.src_set] ?? 0) || !agrees(rule.dst, record[ENTRY.detail + DETAIL.dst_set] ?? 0)) return undefined;
    }
    for (const id of state.forwards.keys()) if (!this.#forwards.slots.has(id)) return undefined;
    // A set that no rule names may have any bit; forwarding rules that name sets are written anew with the next change.
    if ([...state.forwards.values()].some(({ src, dst }) => [src, dst].some((text) => setNamed(text) !== undefined && !bits.has(setNamed(text) ?? "")))) return undefined;
    this.#setNumbers = new NumberedNames("address sets", POLICY_LIMITS.sets, bits).assigned(state.sets.keys());
    this.#state = state;
    return bits;
  }

  /**
   * Encodes what a change adds and finds what it removes. `again`: names of interfaces mean other ones now. Throws
   * PolicyNotApplicable, SlotsExhausted or AddressError; nothing has changed then.
   */
  async prepare(state: PolicyState, touched: TouchedRules, setNumbers: NumberedNames, again: boolean): Promise<PreparedRules> {
    this.#encodingNumbers = setNumbers;
    const removed: number[] = [];
    const staged: StagedRule[] = [];
    const gone: number[] = [];
    const fresh: number[] = [];
    const added: number[] = [];
    const slice = new TimeSlice();
    let encoded = 0;
    let asking = this.store.askingState.size;
    try {
      for (const id of touchedIds(this.#state === undefined ? "all" : touched, this.store, state)) {
        const rule = state.rules.get(id);
        const slot = this.store.slotOf(id);
        asking += Number(rule?.state !== undefined) - Number(this.store.askingState.has(id));
        if (!rule) {
          if (slot === undefined) continue;
          removed.push(id);
          gone.push(slot);
        } else if (slot === undefined) {
          added.push(id);
        } else {
          const bytes = this.#encoder.bytesOf(this.#encoder.rule(rule, slot));
          if (!this.store.equals(id, bytes, EXPIRY_TOLERANCE_NS)) {
            removed.push(id);
            staged.push(this.store.stage(id, bytes));
          }
        }
        if (++encoded % 64 === 0 && slice.over) await slice.yield();
      }
      // Slots of rules that go are taken only where the free ones do not suffice: their counters start anew a moment later.
      const short = Math.max(0, added.length - this.#slots.free);
      if (short > gone.length) throw new SlotsExhausted(`${added.length} rules need counters, ${this.#slots.free} are free; some may be free again in a second`);
      const reused = gone.slice(0, short);
      for (const [index, id] of added.entries()) {
        const rule = state.rules.get(id);
        if (!rule) continue;
        const slot = index < short ? (reused[index] ?? 0) : this.#slots.take();
        if (index >= short) fresh.push(slot);
        staged.push(this.store.stage(id, this.#encoder.bytesOf(this.#encoder.rule(rule, slot))));
        if (index % 64 === 0 && slice.over) await slice.yield();
      }
      for (let at = 0; at < fresh.length; at += ZERO_AT_ONCE) {
        this.#kernel.zeroCounters("rules", fresh.slice(at, at + ZERO_AT_ONCE));
        if (slice.over) await slice.yield();
      }
      return { removed, staged, retiredSlots: gone.slice(short), reusedSlots: reused, asking, setNumbers, forwards: this.#encodeForwards(state, again) };
    } catch (error) {
      this.store.discard(staged);
      this.#slots.recycle(fresh);
      throw error;
    }
  }

  /** Undoes what `prepare` took. */
  discard({ staged, forwards, reusedSlots }: PreparedRules): void {
    const known = new Set(reusedSlots);
    const standing = new Set(this.#forwards.slots.values());
    const fresh = staged.filter(({ id }) => !this.store.has(id)).map((one) => this.store.stagedSlot(one)).filter((slot) => !known.has(slot));
    this.store.discard(staged);
    this.#slots.recycle(fresh);
    this.#forwardSlots.recycle([...forwards.slots.values()].filter((slot) => !standing.has(slot)));
  }

  /** Makes the policy, but not its rules, the one in force. */
  begin(state: PolicyState, { setNumbers, forwards }: PreparedRules): void {
    this.#state = state;
    this.#setNumbers = setNumbers;
    this.#forwards = forwards;
  }

  /** Makes the rules of a change count. */
  commit({ removed, staged }: PreparedRules): void {
    this.store.commit(removed, staged);
  }

  /** The same for a large change, in pieces. */
  async commitInPieces({ removed, staged }: PreparedRules): Promise<void> {
    const slice = new TimeSlice();
    for (let at = 0; at < removed.length; at += COMMIT_AT_ONCE) {
      this.store.commit(removed.slice(at, at + COMMIT_AT_ONCE), []);
      if (slice.over) await slice.yield();
    }
    for (let at = 0; at < staged.length; at += COMMIT_AT_ONCE) {
      this.store.commit([], staged.slice(at, at + COMMIT_AT_ONCE));
      if (slice.over) await slice.yield();
    }
  }

  /** After the swap: notes whose counters are whose, and gives back those of rules that are gone once no packet counts on them. */
  account({ staged, retiredSlots, reusedSlots }: PreparedRules, forwardsBefore: EncodedForwards, grace: GraceQueue): void {
    for (const slot of retiredSlots) this.#ruleOfSlot[slot] = 0;
    for (const one of staged) this.#ruleOfSlot[this.store.stagedSlot(one)] = one.id;
    const gone = [...forwardsBefore.slots].filter(([id]) => !this.#forwards.slots.has(id)).map(([, slot]) => slot);
    grace.after(() => {
      this.#slots.recycle(retiredSlots);
      this.#forwardSlots.recycle(gone);
      this.#kernel.zeroCounters("rules", reusedSlots);
    });
  }

  /** Flags of the head for the policy in force; `asking` as the change says, `standing` where the policy is not known. */
  flags(standing: number, asking = this.store.askingState.size): number {
    const state = this.#state;
    if (!state) return standing;
    const forwardAsks = [...state.forwards.values()].some((forward) => forward.state !== undefined);
    return (state.protection.establishedPass ? HEAD_FLAG.establishedPass : 0) | (asking > 0 || forwardAsks ? HEAD_FLAG.state : 0);
  }

  /** Writes the records of these rules, in the order they are tried, and those of all forwarding rules. */
  write(rules: Iterable<number>, memory: Uint8Array, at: number): void {
    const order = (id: number): number => orderOf(this.store.firstRecord(id));
    for (const id of [...rules].sort((a, b) => order(a) - order(b))) at = this.store.copyTo(id, memory, at);
    memory.set(this.#forwards.bytes, at);
  }

  /** The numbers that the sets of a policy will have. Throws PolicyNotApplicable. */
  numbersFor(state: PolicyState): NumberedNames {
    return this.#setNumbers.assigned(state.sets.keys());
  }

  #names({ serviceIndex, ifindexes }: PolicyTablesOptions): Names {
    return {
      setBit: (name) => {
        const bit = this.#encodingNumbers.get(name);
        if (bit === undefined) throw new PolicyNotApplicable(`there is no address set ${name}`);
        return bit;
      },
      serviceIndex, ifindexes,
    };
  }

  #encodeForwards(state: PolicyState, again: boolean): EncodedForwards {
    const before = this.#state;
    if (!again && before?.sets === state.sets && before.forwards === state.forwards && before.modules === state.modules) return this.#forwards;
    const slots = new Map<number, number>();
    const fresh: number[] = [];
    const records: Uint8Array[] = [];
    let count = 0;
    try {
      for (const forward of [...state.forwards.values()].sort((a, b) => a.id - b.id)) {
        const known = this.#forwards.slots.get(forward.id);
        const slot = known ?? this.#forwardSlots.take();
        if (known === undefined) fresh.push(slot);
        slots.set(forward.id, slot);
        const number = this.#encoder.forward(bound(forward, state), slot);
        records.push(this.#encoder.bytesOf(number).slice());
        count += number;
      }
      if (count > KERNEL_LIMITS.forwards) {
        throw new PolicyNotApplicable(`the forwarding rules need ${count} records, one for each combination of port ranges and interfaces; this agent holds ${KERNEL_LIMITS.forwards}`);
      }
    } catch (error) {
      this.#forwardSlots.recycle(fresh);
      throw error;
    }
    this.#kernel.zeroCounters("forwards", fresh);
    return { bytes: Buffer.concat(records), count, slots };
  }
}

function bound(forward: ForwardRule, state: PolicyState): BoundForward {
  const module = state.modules.get(forward.module);
  if (!module) throw new PolicyNotApplicable(`forwarding rule ${forward.id} names module ${forward.module}, which the policy does not have`);
  return { ...forward, moduleBit: module.bit };
}

function orderOf(record: Uint8Array | undefined): number {
  if (!record) return 0;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  return view.getUint32(RULE.order + 4, true) * 2 ** 32 + view.getUint32(RULE.order, true);
}
