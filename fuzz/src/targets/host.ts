/**
 * The module border. Kind 0: what a module answers (u32 returned, u32 pointer, output bytes). 1: a batch as it comes from the
 * bus, given to the reader and, even when that refuses it, to the ips module. 2: a module's binary. 3: findings on their own.
 */
import { AbiError, BatchBuilder, BatchReader, decodeFindings, dissectFrame } from "@secuxflow/inspect-abi";
import { loadModule, MANIFEST_SECTION, ModuleInstance, ModuleLied, ModuleRejected, ModuleTrapped, withCustomSection, type LoadedModule } from "@secuxflow/module-host";
import { compileEntry, entryBinary, type Compiled } from "@secuxflow/wasm";
import type { Input, Step } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import { packetSeeds } from "./frame-seeds.js";

const KIND = { answer: 0, batch: 1, binary: 2, findings: 3 } as const;
const MANIFEST = {
  id: "liar", version: "1.0.0", abi: { major: 1, minor: 0 }, title: "Answers as it is told", takes: ["packets"], memoryPagesMax: 16_384, outputBytesMax: 65_536,
  rules: [{ id: 1, name: "one", category: "test", severity: 2 }],
};

function batch(...packets: readonly Uint8Array[]): Uint8Array {
  const builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: Math.max(1, packets.length), maxBytes: 1 << 18 });
  for (const data of packets) builder.append({ ...dissectFrame(data), modules: 1 }, data);
  return builder.finish().slice();
}

class HostSubject implements Subject {
  constructor(private readonly liar: LoadedModule, private readonly binary: Uint8Array, private readonly ips: Compiled) {
    const room = ips.call("input", 16);
    ips.write(room, Buffer.from("flows=256\n"));
    ips.call("configure", room, 10);
  }

  async check(input: Input, reached: Reached): Promise<string | undefined> {
    for (const { kind, bytes } of input) {
      const what = kind === KIND.answer ? await this.#answer(bytes, reached)
        : kind === KIND.batch ? this.#batch(bytes, reached) : kind === KIND.binary ? this.#binary(bytes, reached) : this.#findings(bytes, reached);
      if (what !== undefined) return what;
    }
    return undefined;
  }

  /** Errors of the border are what must come; any other is a finding. */
  async #answer(bytes: Uint8Array, reached: Reached): Promise<string | undefined> {
    if (bytes.length < 8) return undefined;
    const instance = await ModuleInstance.create(this.liar);
    try {
      const findings = instance.inspect(batch(bytes));
      reached(`answer ${findings.length}`);
      return findings.every(({ recordIndex, ruleId, severity }) => recordIndex === 0 && ruleId === 1 && severity >= 1 && severity <= 4) ? undefined : "a finding points out of its batch or manifest";
    } catch (error) {
      if (!(error instanceof ModuleLied || error instanceof ModuleTrapped)) throw error;
      reached(`answer ${error.message.replace(/\d+/g, "#").slice(0, 80)}`);
      return undefined;
    }
  }

  #batch(bytes: Uint8Array, reached: Reached): string | undefined {
    const { ips } = this;
    try {
      reached(`batch ${new BatchReader(bytes).count}`);
    } catch (error) {
      if (!(error instanceof AbiError)) throw error;
      reached(`batch ${error.code} ${error.message.replace(/\d+/g, "#").slice(0, 60)}`);
    }
    const at = ips.call("input", bytes.length);
    if (at === 0) return undefined;
    ips.write(at, bytes);
    const written = ips.call("inspect", at, bytes.length);
    if (written < 0) return undefined;
    reached(`ips ${Math.min(4, written >> 6)}`);
    return ips.call("output") + written <= ips.bytes().length ? undefined : "the module's output is not inside its memory";
  }

  #binary(bytes: Uint8Array, reached: Reached): string | undefined {
    const whole = this.binary.slice();
    // Patches: u16 place, a byte.
    for (let at = 0; at + 3 <= bytes.length; at += 3) whole[((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)) % whole.length] = bytes[at + 2] ?? 0;
    try {
      loadModule(bytes.length % 3 === 0 ? whole : Uint8Array.from(bytes));
      reached("binary taken");
    } catch (error) {
      if (!(error instanceof ModuleRejected)) throw error;
      reached(`binary ${error.reason} ${error.message.replace(/\d+/g, "#").slice(0, 60)}`);
    }
    return undefined;
  }

  #findings(bytes: Uint8Array, reached: Reached): string | undefined {
    try {
      const { findings } = decodeFindings(bytes, { records: 3, maxFindings: 100, maxAttributeBytes: 10_000, dataLen: () => 60, knowsRule: (id) => id < 10 });
      reached(`findings ${findings.length}`);
      return findings.every(({ recordIndex, ruleId }) => recordIndex < 3 && ruleId < 10) ? undefined : "a finding points out of its batch";
    } catch (error) {
      if (!(error instanceof AbiError)) throw error;
      reached(`findings ${error.message.replace(/\d+/g, "#").slice(0, 60)}`);
      return undefined;
    }
  }
}

function output(count: number, attributes: Uint8Array): Uint8Array {
  const length = 32 + count * 32 + attributes.length;
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(0x46495853, 0);
  bytes.writeUInt16LE(32, 4);
  bytes.writeUInt16LE(32, 6);
  bytes.writeUInt32LE(count, 8);
  bytes.writeUInt32LE(length, 12);
  bytes.writeUInt32LE(count > 1 ? 3 : 1, 20);
  for (let i = 0; i < count; i++) {
    const at = 32 + i * 32;
    bytes.writeUInt32LE(1, at + 4);
    bytes.set([2, 1, 80], at + 8);
    bytes.writeUInt32LE(32 + count * 32, at + 20);
    bytes.writeUInt32LE(attributes.length, at + 24);
  }
  bytes.set(attributes, 32 + count * 32);
  return Uint8Array.from(bytes);
}

function answer(bytes: Uint8Array): Step {
  const head = Buffer.alloc(8);
  head.writeInt32LE(bytes.length, 0);
  return { kind: KIND.answer, bytes: Uint8Array.from(Buffer.concat([head, bytes])) };
}

export const hostTarget: TargetMaker = async () => {
  const ips = await compileEntry("engine/detect/fuzz-entry.ts");
  const binary = withCustomSection(await entryBinary("engine/core/fuzz-entry.ts"), MANIFEST_SECTION, Buffer.from(JSON.stringify(MANIFEST)));
  const liar = loadModule(binary, { memoryPagesMax: 16_384 });
  const attributes = Uint8Array.from([1, 0, 2, 0, 104, 105, 9, 0, 4, 0, 1, 2, 3, 4]);
  const outputs = [output(0, new Uint8Array()), output(1, new Uint8Array()), output(1, attributes), output(3, attributes)];
  const batches = packetSeeds().map((frames) => batch(...frames.map(({ bytes }) => bytes)));
  const seeds: Input[] = [
    ...outputs.map((bytes): Input => [answer(bytes)]), ...outputs.map((bytes): Input => [{ kind: KIND.findings, bytes }]), ...batches.map((bytes): Input => [{ kind: KIND.batch, bytes }]),
    [{ kind: KIND.binary, bytes: Uint8Array.of(0, 8, 1) }],
  ];
  return { name: "host", seeds, words: [Uint8Array.of(0x53, 0x58, 0x49, 0x42), Uint8Array.of(0x53, 0x58, 0x49, 0x46), Uint8Array.of(0xfe, 0xff, 0xff, 0xff)], kinds: [0, 1, 2, 3], most: 20_000, steps: 3, fresh: () => new HostSubject(liar, binary, ips()) };
};
