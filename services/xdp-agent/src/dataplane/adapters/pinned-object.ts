import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { BpfObject, MapMismatchError, mountBpffs, possibleCpus, readObjectSpec, removePin, type BpfMap } from "libbpf-ts";
import { KERNEL_LIMITS, LAYOUT_VERSION } from "../domain/layout.js";

/** The maps that the data plane writes, by their names in bpf/include/maps.h and image.h. */
const NAMED_MAPS = ["control", "allowed", "rule_counters", "forward_counters", "totals", "samples"] as const;

/** The maps by name, the policy map of each generation, and the images (none in a program without a classifier). */
export type PinnedMaps = Readonly<Record<(typeof NAMED_MAPS)[number], BpfMap>> & {
  readonly generations: readonly BpfMap[];
  readonly images: readonly BpfMap[];
  readonly setImages: readonly BpfMap[];
};

export interface PinnedObjectOptions {
  /** Compiled program, bpf/build/secuxflow.bpf.o. */
  readonly objectPath: string;
  /** This agent's folder on the BPF file system. */
  readonly pinFolder: string;
  /** Size of the ring buffer in bytes, a power of two and a multiple of the page size. */
  readonly ringBytes: number;
  /** Sizes of a rule image and of an image of address sets, powers of two; default as compiled. */
  readonly imageBytes?: number;
  readonly setBytes?: number;
  /** Constants of the program (`const volatile`), by name. */
  readonly globals?: Readonly<Record<string, number>>;
}

export interface PinnedObject {
  readonly object: BpfObject;
  readonly maps: PinnedMaps;
  /** Where the maps are pinned: one folder for each layout version, so that versions never meet. */
  readonly folder: string;
  /** Whether the maps of an earlier run were taken over (with their policy and counters). */
  readonly resumed: boolean;
  /** Why an earlier run's maps were not taken over. */
  readonly discarded?: string;
}

const FOLDER = /^layout-\d+$/;
const layoutFolder = (pinFolder: string, version: number): string => join(pinFolder, `layout-${version}`);

/** Every map outlives the agent, but for the program's constants (".rodata"). */
const pinnedMaps = (objectPath: string): string[] => [...readObjectSpec(objectPath).maps.keys()].filter((name) => !name.startsWith("."));

const indexed = (maps: Iterable<string>, prefix: string, count: number): string[] => {
  const known = new Set(maps);
  return Array.from({ length: count }, (_, i) => `${prefix}_${i}`).filter((name) => known.has(name));
};

/** Sizes of blobs, and the masks by which the program keeps inside them. */
const sizeImages = (object: BpfObject, outer: string, prefix: string, mask: string, bytes: number | undefined): void => {
  if (bytes === undefined || !object.spec.maps.has(outer)) return;
  for (const name of [outer, ...indexed(object.spec.maps.keys(), prefix, KERNEL_LIMITS.images)]) object.setMapValueSize(name, bytes);
  object.setGlobal(mask, bytes - 1);
};

const load = (options: PinnedObjectOptions, folder: string, reuse: readonly string[]): BpfObject => {
  const object = BpfObject.open(options.objectPath);
  try {
    object.setMapMaxEntries("samples", options.ringBytes);
    if (object.spec.maps.has("flow_cache")) object.setMapMaxEntries("flow_cache", possibleCpus());
    sizeImages(object, "images", "image", "image_mask", options.imageBytes);
    sizeImages(object, "sets", "sets", "sets_mask", options.setBytes);
    // Other for each load: nobody can aim at the places of hash tables.
    if (object.spec.variables.has("defence_seed")) object.setGlobal("defence_seed", randomBytes(8).readBigUInt64LE());
    for (const [name, value] of Object.entries(options.globals ?? {})) object.setGlobal(name, value);
    for (const name of reuse) object.reuseMap(name, join(folder, name));
    object.load();
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
};

/**
 * Loads the program over the maps that an earlier run pinned, or over fresh ones, which it pins. Maps that do not fit
 * (another size, an incomplete set, another layout) are not used: their policy comes back from the last known good file,
 * and the program that runs over them stays attached until the new one has it.
 */
export function openPinnedObject(options: PinnedObjectOptions): PinnedObject {
  mountBpffs();
  const folder = layoutFolder(options.pinFolder, LAYOUT_VERSION);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const wanted = pinnedMaps(options.objectPath);
  const standing = wanted.filter((name) => existsSync(join(folder, name)));
  let discarded = standing.length > 0 && standing.length < wanted.length ? `only ${standing.length} of ${wanted.length} maps were pinned` : undefined;
  if (standing.length === wanted.length) {
    try {
      const object = load(options, folder, wanted);
      return { object, folder, resumed: true, maps: mapsOf(object) };
    } catch (error) {
      if (!(error instanceof MapMismatchError)) throw error;
      discarded = error.message;
    }
  }
  const object = load(options, folder, []);
  for (const name of readdirSync(folder)) if (!name.startsWith("link-")) removePin(join(folder, name));
  for (const name of wanted) object.map(name).pin(join(folder, name));
  return { object, folder, resumed: false, maps: mapsOf(object), ...(discarded === undefined ? {} : { discarded }) };
}

const mapsOf = (object: BpfObject): PinnedMaps => {
  const many = (prefix: string, count: number): BpfMap[] => indexed(object.maps.keys(), prefix, count).map((name) => object.map(name));
  return {
    ...(Object.fromEntries(NAMED_MAPS.map((name) => [name, object.map(name)])) as Record<(typeof NAMED_MAPS)[number], BpfMap>),
    generations: many("policy", KERNEL_LIMITS.generations), images: many("image", KERNEL_LIMITS.images), setImages: many("sets", KERNEL_LIMITS.images),
  };
};

/** Folders of other layout versions: an agent of another version left them, and its links may still filter. */
export function otherLayouts(pinFolder: string): string[] {
  const own = layoutFolder(pinFolder, LAYOUT_VERSION);
  if (!existsSync(pinFolder)) return [];
  return readdirSync(pinFolder).filter((name) => FOLDER.test(name)).map((name) => join(pinFolder, name)).filter((path) => path !== own);
}

/** Removes what was pinned in a folder, and the folder. Used where nothing may stay behind. */
export function removePinFolder(pinFolder: string): void {
  if (!existsSync(pinFolder)) return;
  for (const entry of readdirSync(pinFolder, { withFileTypes: true })) {
    const path = join(pinFolder, entry.name);
    if (entry.isDirectory()) removePinFolder(path);
    else removePin(path);
  }
  rmdirSync(pinFolder);
}
