import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BpfObject, XdpAction, xdpContext } from "libbpf-ts";
import { DefenceMaps, defenceMapsOf } from "../adapters/defence-maps.js";
import { DEFENCE_COUNT } from "../domain/layout.js";
import type { LimitCost } from "../domain/rate.js";
import { DETAIL, OPTION } from "../../dataplane/domain/layout.js";

const OBJECT = fileURLToPath(new URL("../../../../../bpf/build/defence_test.bpf.o", import.meta.url));

/** Path of the compiled bpf/src/defence_test.bpf.c. Throws where it was not built. */
export function requireTestObject(): string {
  if (!existsSync(OBJECT)) throw new Error("bpf/build/defence_test.bpf.o is missing; run: node bpf/build.mjs");
  return OBJECT;
}

const VERDICTS = new Map<number, string>(Object.entries(XdpAction).map(([name, value]) => [value, name.toLowerCase()]));

/** bpf/src/defence_test.bpf.c in the kernel: the headers of the first line of defence one by one, on a clock that the test sets. */
export class TestProgram {
  readonly object: BpfObject;
  readonly maps: DefenceMaps;

  constructor(seed = 0n) {
    this.object = BpfObject.open(requireTestObject()).setGlobal("defence_seed", seed).load();
    this.maps = new DefenceMaps(defenceMapsOf(this.object));
  }

  /** Nanoseconds that the programs take for now; 0: the kernel's own clock. */
  set now(ns: bigint) {
    this.object.setGlobal("test_now", ns);
  }

  /** The rule that packets are said to have matched. */
  setRule({ cost, bytes = false, perSource = false, unreachable = false, slot = 0, id = slot }:
  { cost?: LimitCost; bytes?: boolean; perSource?: boolean; unreachable?: boolean; slot?: number; id?: number }): void {
    const detail = Buffer.alloc(DETAIL.size);
    detail.writeUInt8((bytes ? OPTION.limitBytes : 0) | (perSource ? OPTION.limitPerSource : 0) | (unreachable ? OPTION.rejectUnreachable : 0), DETAIL.option);
    detail.writeUInt32LE(slot, DETAIL.slot);
    detail.writeUInt32LE(id, DETAIL.id);
    detail.writeBigUInt64LE(cost?.unitNs ?? 0n, DETAIL.unit_ns);
    detail.writeBigUInt64LE(cost?.burstNs ?? 0n, DETAIL.burst_ns);
    this.object.setGlobal("test_detail", detail);
  }

  /**
   * Runs a program on a frame: its verdict ("pass", "drop", "tx", ...) and the frame afterwards. `on`: as if received on
   * an interface of a namespace, to which some program is attached.
   */
  run(program: string, frame: Uint8Array, on?: { netns: string; ifindex: number }): { verdict: string; frame: Buffer } {
    const place = on === undefined ? {} : { netns: on.netns, ctx: xdpContext(frame, { ingressIfindex: on.ifindex }) };
    const { retval, data } = this.object.program(program).testRun({ data: frame, ...place });
    return { verdict: VERDICTS.get(retval) ?? `code ${retval}`, frame: data };
  }

  /** Packets of one of the counters. */
  count(name: keyof typeof DEFENCE_COUNT): number {
    return this.maps.counters()[DEFENCE_COUNT[name]]?.packets ?? 0;
  }

  close(): void {
    this.object.close();
  }
}
