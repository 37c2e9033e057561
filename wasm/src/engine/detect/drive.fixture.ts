import { compileSuricata } from "@secuxflow/suricata-rules";
import { forModule } from "@secuxflow/rule-image";
import { batchesOf, builtModule } from "../../testing/harness.js";

/** One finding, as far as tests look at it. */
export interface Found {
  readonly sid: number;
  readonly record: number;
  readonly dropped: boolean;
  readonly eve: Record<string, unknown>;
}

export interface Engine {
  /** Frames in, findings out; `record` counts in the frames. */
  readonly inspect: (frames: readonly Uint8Array[], stepMs?: number) => Found[];
  /** Ends all flows. */
  readonly flush: () => Found[];
  /** False when the image is refused. */
  readonly load: (image: Uint8Array) => boolean;
}

interface Instance {
  readonly call: (name: string, ...args: number[]) => number;
  readonly write: (at: number, bytes: Uint8Array) => void;
  readonly read: (at: number, length: number) => Uint8Array;
}

/** A fresh instance of the built module, without its own rules. */
function instantiate(): Instance {
  const fail = (_message: number, _file: number, line: number, column: number): never => {
    throw new Error(`abort at line ${line}, column ${column}`);
  };
  const { exports } = new WebAssembly.Instance(builtModule("ips").module, { env: { abort: fail }, secuxflow: { log: () => undefined } });
  const bytes = (): Uint8Array => new Uint8Array((exports.memory as WebAssembly.Memory).buffer);
  return {
    call: (name, ...args) => (exports[name] as (...values: number[]) => number)(...args),
    write(at, data) {
      bytes().set(data, at);
    },
    read: (at, length) => bytes().slice(at, at + length),
  };
}

/** The module's factory: `configure` lines and rules in. */
export function engines(): (rules: string, configure?: string) => Engine {
  return (rules, configure = "") => {
    const wasm = instantiate();
    const engine = driver(wasm);
    const settings = Buffer.from(configure);
    const at = wasm.call("input", settings.length);
    wasm.write(at, settings);
    if (wasm.call("configure", at, settings.length) !== 0) throw new Error("the settings are refused");
    if (rules !== "" && !engine.load(imageOf(rules))) throw new Error("the image is refused");
    return engine;
  };
}

/** Rules as the module gets them. @throws Error when one is refused */
export function imageOf(text: string): Uint8Array {
  const { refused, image } = compileSuricata([{ name: "test.rules", text }], { variables: { addresses: { HOME_NET: "any" } } });
  if (refused.length > 0) throw new Error(refused.map(({ sid, reason }) => `${sid}: ${reason}`).join("\n"));
  return forModule(image);
}

function driver(wasm: Instance): Engine {
  let clock = 0;
  const read = (length: number): Found[] => {
    if (length < 0) throw new Error(`the module answered ${length}`);
    return decode(wasm.read(wasm.call("output"), length));
  };
  return {
    inspect(frames, stepMs = 1) {
      const packets = frames.map((frame) => ({ frame, atMs: (clock += stepMs) }));
      const found: Found[] = [];
      let base = 0;
      for (const batch of batchesOf(packets)) {
        const at = wasm.call("input", batch.length);
        wasm.write(at, batch);
        for (const finding of read(wasm.call("inspect", at, batch.length))) found.push({ ...finding, record: finding.record + base });
        base += Buffer.from(batch.buffer, batch.byteOffset).readUInt32LE(12);
      }
      return found;
    },
    flush: () => read(wasm.call("flush")),
    load(image) {
      const at = wasm.call("rules", image.length);
      wasm.write(at, image);
      return wasm.call("load", at, image.length) === 0;
    },
  };
}

function decode(bytes: Uint8Array): Found[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [header, stride, count] = [view.getUint16(4, true), view.getUint16(6, true), view.getUint32(8, true)];
  return Array.from({ length: count }, (_, i) => {
    const at = header + i * stride;
    let eve: Record<string, unknown> = {};
    let place = view.getUint32(at + 20, true);
    const end = place + view.getUint32(at + 24, true);
    while (place < end) {
      const length = view.getUint16(place + 2, true);
      const value = bytes.subarray(place + 4, place + 4 + length);
      if (view.getUint16(place, true) === 16) eve = JSON.parse(new TextDecoder().decode(value)) as Record<string, unknown>;
      place += 4 + length;
    }
    const dropped = ((bytes[at + 11] ?? 0) & 2) !== 0;
    return { sid: view.getUint32(at + 4, true), record: view.getUint32(at, true), dropped, eve };
  });
}
