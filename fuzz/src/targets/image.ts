/**
 * Rule images that were changed, with checksums made right again: a module refuses them, or takes them and then neither traps nor
 * hangs on traffic. Kind 0: patches (u32 place, u8 how many bytes, bytes) of the ips image; 1: of the waf image; 2: a whole image.
 */
import { crc32 } from "node:zlib";
import { openRuleSet, readRuleImage, RuleImageError } from "@secuxflow/rule-image";
import { compileEntry } from "@secuxflow/wasm";
import { compileSuricata } from "@secuxflow/suricata-rules";
import type { Input } from "../engine/input.js";
import type { Reached, Subject, TargetMaker } from "../engine/target.js";
import type { Random } from "../random.js";
import { HTTP_SEEDS } from "./seeds.js";
import { sessionSeeds } from "./frame-seeds.js";
import { Driver, wafImage } from "./modules.js";
import { ipsRules, load } from "./rules.js";

const KIND = { ips: 0, waf: 1, whole: 2 } as const;
const [HEADER, ENTRY] = [32, 16];

/** Puts the checksums of an image right, as far as its table makes sense. */
function mended(image: Uint8Array): Uint8Array {
  const bytes = Buffer.from(image);
  if (bytes.length < HEADER) return bytes;
  const sections = Math.min(bytes.readUInt32LE(12), 256, Math.floor((bytes.length - HEADER) / ENTRY));
  for (let i = 0; i < sections; i++) {
    const at = HEADER + i * ENTRY;
    const [from, length] = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
    if (from + length <= bytes.length) bytes.writeUInt32LE(crc32(bytes.subarray(from, from + length)), at + 12);
  }
  bytes.writeUInt32LE(0, 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER + sections * ENTRY)), 20);
  return bytes;
}

function patched(image: Uint8Array, patches: Uint8Array): Uint8Array {
  const bytes = Buffer.from(image);
  const plan = Buffer.from(patches);
  for (let at = 0; at + 6 <= plan.length;) {
    const place = plan.readUInt32LE(at) % bytes.length;
    const length = Math.min((plan[at + 4] ?? 0) % 9, plan.length - at - 5, bytes.length - place);
    bytes.set(plan.subarray(at + 5, at + 5 + length), place);
    at += 5 + Math.max(1, length);
  }
  return mended(bytes);
}

class ImageSubject implements Subject {
  constructor(private readonly images: readonly Uint8Array[], private readonly makers: readonly (() => Driver)[], private readonly loaders: readonly ((driver: Driver, image: Uint8Array) => number)[], private readonly traffic: Input) {}

  check(input: Input, reached: Reached): string | undefined {
    for (const { kind, bytes } of input) {
      const which = kind === KIND.waf ? 1 : 0;
      const image = kind === KIND.whole ? mended(bytes) : patched(this.images[which] ?? new Uint8Array(), bytes);
      try {
        readRuleImage(image);
        openRuleSet(image);
        reached("host takes it");
      } catch (error) {
        if (!(error instanceof RuleImageError)) throw error;
        reached(`host ${error.message.replace(/\d+/g, "#").slice(0, 60)}`);
      }
      const driver = this.makers[which]?.();
      if (driver === undefined) continue;
      const code = this.loaders[which]?.(driver, image);
      reached(`${which} ${code}`);
      // A rule that came out of a changed image may find anything, with ids that nobody knows; only its ways are judged.
      driver.inspect(this.traffic, 32);
      driver.end();
    }
    return undefined;
  }
}

const draw = (images: readonly Uint8Array[]) => (random: Random): Input => {
  const kind = random.below(2);
  const length = images[kind]?.length ?? 1;
  const patches = Array.from({ length: random.between(1, 3) }, () => {
    const patch = Buffer.alloc(9);
    patch.writeUInt32LE(random.chance(30) ? random.below(600) : random.below(length), 0);
    patch[4] = random.pick([1, 1, 2, 4]);
    patch.writeUInt32LE(random.chance(50) ? random.below(300) : random.u32(), 5);
    return patch.subarray(0, 5 + (patch[4] ?? 0));
  });
  return [{ kind, bytes: Uint8Array.from(Buffer.concat(patches)) }];
};

export const imageTarget: TargetMaker = async () => {
  const [ips, waf] = await Promise.all([compileEntry("engine/detect/fuzz-entry.ts"), compileEntry("engine/seclang/fuzz-entry.ts")]);
  const few = ipsRules().filter((_, i) => i % 8 === 0).join("\n");
  const images = [openRuleSet(compileSuricata([{ name: "few.rules", text: few }]).image).image, openRuleSet(wafImage()).image];
  const [compiled, whole] = [compileSuricata([{ name: "few.rules", text: few }]).image, wafImage()];
  const traffic = sessionSeeds().slice(0, HTTP_SEEDS.length).flat();
  const makers = [(): Driver => new Driver(ips(), "flows=256\nmidstream=1\n", compiled), (): Driver => new Driver(waf(), "midstream=1\n", whole)];
  const loader = (driver: Driver, image: Uint8Array): number => load(driver.wasm, image);
  const patch = (kind: number): Input => [{ kind, bytes: Uint8Array.of(40, 0, 0, 0, 1, 9) }];
  return {
    name: "image", seeds: [patch(0), patch(1)], words: [], kinds: [0, 1, 0, 1, 2], most: 4_000, steps: 2, draw: draw(images),
    fresh: () => new ImageSubject(images, makers, [loader, loader], traffic),
  };
};
