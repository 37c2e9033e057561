import { compileEntry } from "@secuxflow/wasm";
import type { Compiled } from "@secuxflow/wasm";

const MEMORY = 256 << 20;
const ROOM = 1 << 17;
/** Addresses of client and server, mapped into IPv6. */
const ENDS = Buffer.from("00000000000000000000ffff0a00000100000000000000000000ffff0a000002", "hex");
const NOW = 1_767_225_600_000;

/** The waf's rule engine without packets. */
export class RuleEngine {
  private readonly room: number;
  private image = 0;

  private constructor(private readonly wasm: Compiled) {
    wasm.call("setMemoryBudget", MEMORY);
    this.room = wasm.call("take", ROOM);
  }

  static async create(): Promise<RuleEngine> {
    return new RuleEngine((await compileEntry("engine/seclang/test-entry.ts"))());
  }

  /** Ids of the rules of an image that match a request with these headers (bytes, one a character). */
  matches(image: Uint8Array, headers: readonly (readonly [name: string, value: string])[]): Set<number> {
    this.load(image);
    const { wasm, room } = this;
    const tx = wasm.call("transactionNew", NOW);
    if (tx === 0) throw new Error("the engine has no memory for a transaction");
    wasm.write(room, ENDS);
    wasm.call("connection", tx, room, 40_000, room + 16, 80);
    const line = Buffer.from("GET / HTTP/1.1");
    wasm.write(room, line);
    wasm.call("requestLine", tx, room, line.length);
    for (const [name, value] of headers) this.header(tx, Buffer.from(name, "latin1"), Buffer.from(value, "latin1"));
    wasm.call("requestHeadEnd", tx);
    wasm.call("requestEnd", tx);
    wasm.call("end", tx);
    const ids = new Set<number>();
    for (let at = wasm.call("findingFirst", tx); at !== 0; at = wasm.call("findingNext", at)) {
      ids.add(wasm.call("findingId", at) >>> 0);
    }
    wasm.call("transactionFree", tx);
    return ids;
  }

  private header(tx: number, name: Buffer, value: Buffer): void {
    if (name.length + value.length > ROOM) throw new Error(`an input of ${value.length} bytes: vectors have at most ${ROOM}`);
    this.wasm.write(this.room, Buffer.concat([name, value]));
    this.wasm.call("requestHeader", tx, this.room, name.length, this.room + name.length, value.length);
  }

  private load(image: Uint8Array): void {
    const { wasm } = this;
    const block = wasm.call("take", image.length + 16);
    const at = (block + 15) & ~15;
    if (block === 0) throw new Error("the engine has no memory for rules");
    wasm.write(at, image);
    if (wasm.call("programLoad", at, image.length) === 0) throw new Error("the engine refuses the rules");
    if (this.image !== 0) wasm.call("give", this.image);
    this.image = block;
  }
}
