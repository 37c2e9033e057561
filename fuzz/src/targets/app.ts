/** The application layer but HTTP: one protocol given, or protocol detection from the first byte on. */
import { compileEntry, SESSIONS, type Compiled } from "@secuxflow/wasm";
import type { Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { firstDifference, joined, rechunked, SAY } from "./conversation.js";
import { dnsDatagrams, HTTP_SEEDS, MORE_SEEDS } from "./seeds.js";
import { WORDS } from "./words.js";

/** core/tx.ts. */
const NUMBER: Readonly<Record<string, number>> = { detect: 0, tls: 3, dns: 4, smtp: 5, ftp: 6, ssh: 8, smb: 9, dcerpc: 10 };
/** Numbers of app/buffers.ts lie below. */
const BUFFERS = 100;
const [TCP, UDP] = [6, 17];
const ROOM = 1 << 17;
const MOST = 32_768;
/** What a buffer or transaction that comes again and again adds nothing to. */
const LOOKED_AT = 40;

const le16 = (bytes: Uint8Array): number => (bytes[0] ?? 0) + (bytes[1] ?? 0) * 256;

/** Whether a transaction raised an anomaly. */
const hasEvents = (summary: unknown): boolean => (summary as { readonly txs: readonly { readonly bits: string }[] }).txs.some(({ bits }) => bits !== "0");

const HTTP = 2;
const hasHttp = (summary: unknown): boolean => (summary as { readonly txs: readonly { readonly kind: number }[] }).txs.some(({ kind }) => kind === HTTP);

class AppSubject implements Subject {
  readonly #room: number;

  constructor(private readonly wasm: Compiled, private readonly proto: number) {
    wasm.call("setMemoryBudget", 64 << 20);
    this.#room = wasm.call("take", ROOM);
  }

  check(input: Input, reached: Reached): string | undefined {
    const udp = input.some(({ kind }) => kind > SAY.endToClient);
    const steps = input.map((step) => ({ ...step, kind: step.kind > SAY.endToClient ? step.kind - 6 : step.kind }));
    if (udp) return this.#talk(steps, UDP, reached).wrong;
    const whole = this.#talk(joined(steps), TCP, reached);
    if (whole.wrong !== undefined) return whole.wrong;
    const pieces = this.#talk(rechunked(steps), TCP, () => undefined);
    // After a gap a parser looks for a message's start at the start of a piece: there pieces do matter.
    if (steps.some(({ kind }) => kind === SAY.gapToServer || kind === SAY.gapToClient)) return pieces.wrong;
    if (pieces.wrong !== undefined) return pieces.wrong;
    const difference = firstDifference(whole.summary, pieces.summary);
    // HTTP in it is compared by its own target.
    if (hasHttp(whole.summary) || hasHttp(pieces.summary)) return undefined;
    // Two readings of what is malformed are no silent evasion when an event tells of both.
    return difference === undefined || (hasEvents(whole.summary) && hasEvents(pieces.summary)) ? undefined : `chunking changes ${difference}`;
  }

  #talk(steps: Input, l4: number, reached: Reached): { readonly summary: unknown; readonly wrong: string | undefined } {
    const { wasm } = this;
    const before = wasm.call("memoryTaken");
    const conn = wasm.call("appNew", this.proto, l4, 40_000, l4 === UDP ? 53 : 8_000);
    if (conn === 0) return { summary: undefined, wrong: "no connection can be made" };
    const offsets: [bigint, bigint] = [0n, 0n];
    for (const { kind, bytes } of steps) {
      const dir = (kind & 1) as 0 | 1;
      if (kind <= SAY.toClient) {
        wasm.write(this.#room, bytes);
        wasm.call("appFeed", conn, dir, this.#room, bytes.length, offsets[dir], 0);
        offsets[dir] += BigInt(bytes.length);
      } else if (kind <= SAY.gapToClient) {
        wasm.call("appGap", conn, dir, le16(bytes) + 1);
        offsets[dir] += BigInt(le16(bytes) + 1);
      } else {
        wasm.call("appEnd", conn, dir);
      }
    }
    wasm.call("appEnd", conn, 0);
    wasm.call("appEnd", conn, 1);
    const summary = this.#summary(conn, reached);
    wasm.call("appFree", conn);
    const after = wasm.call("memoryTaken");
    const wrong = typeof summary === "string" ? summary : after === before ? undefined : `${after - before} bytes are not given back`;
    return { summary, wrong };
  }

  #summary(conn: number, reached: Reached): unknown {
    const { wasm } = this;
    const proto = wasm.call("connProto", conn);
    const events = wasm.call("connEvents", conn);
    reached(`${proto} ${events}`);
    const txs: unknown[] = [];
    for (let tx = wasm.call("appFirst", conn); tx !== 0; tx = wasm.call("appNext", conn, tx)) {
      if (txs.length === LOOKED_AT) break;
      const kind = wasm.call("txProto", tx);
      const bits = BigInt.asUintN(64, wasm.call64("txEvents", tx)).toString(16);
      const progress = [wasm.call("txProgressOf", tx, 0), wasm.call("txProgressOf", tx, 1)];
      const buffers: Record<string, string[]> = {};
      for (let at = 0; at < BUFFERS * 2; at++) {
        const [buffer, dir] = [at >> 1, at & 1];
        const found = this.#buffers(tx, buffer, dir);
        if (found.length > 0) buffers[`${buffer}.${dir}`] = found;
      }
      reached(`${kind} ${bits} ${progress.join()} ${Object.keys(buffers).join()} ${Math.min(txs.length, 3)}`);
      const eve: unknown[] = [];
      for (const dir of [0, 1]) {
        const length = wasm.call("eve", tx, dir, this.#room, ROOM);
        const text = Buffer.from(wasm.read(this.#room, length)).toString("latin1");
        if (length === 0) continue;
        try {
          eve.push(JSON.parse(text));
        } catch {
          return `its EVE is no JSON: ${text.slice(0, 200)}`;
        }
      }
      txs.push({ kind, bits, progress, buffers, eve });
    }
    // Events of the connection tell what protocol detection made of packets: those do depend on the packets.
    return { proto, txs };
  }

  #buffers(tx: number, buffer: number, dir: number): string[] {
    const found: string[] = [];
    for (let index = 0; index < LOOKED_AT; index++) {
      const at = this.wasm.call("appBuffer", tx, buffer, index, dir);
      if (at === 0) break;
      found.push(Buffer.from(this.wasm.read(at, this.wasm.call("bufferLen"))).toString("latin1"));
    }
    return found;
  }
}

const conversation = (turns: readonly (readonly [number, Uint8Array])[]): Input => turns.map(([kind, bytes]) => ({ kind, bytes }));

function seedsOf(name: string): Input[] {
  const own = (one: string): Input[] => [...(SESSIONS[one] === undefined ? [] : [conversation(SESSIONS[one])]), ...(MORE_SEEDS[one] ?? [])];
  if (name === "detect") return [...Object.keys(SESSIONS).flatMap(own), ...HTTP_SEEDS, ...dnsDatagrams()];
  return [...own(name), ...(name === "smb" ? own("dcerpc") : []), ...(name === "dns" ? dnsDatagrams() : [])];
}

/** A target of one protocol, or "detect". */
export const appTarget = (name: string): TargetMaker => async () => {
  const make = await compileEntry("engine/app/test-entry.ts");
  const kinds = [0, 0, 0, 1, 1, 1, 2, 3, 4, 5, ...(name === "dns" || name === "detect" ? [6, 7] : [])];
  return {
    name, seeds: seedsOf(name), words: WORDS[name] ?? [], kinds, most: MOST, steps: 60,
    fresh: () => new AppSubject(make(), NUMBER[name] ?? 0),
  };
};
