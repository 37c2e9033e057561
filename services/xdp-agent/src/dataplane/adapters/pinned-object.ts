import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { BpfObject, MapMismatchError, mountBpffs, removePin, type BpfMap } from "libbpf-ts";
import { KERNEL_LIMITS, LAYOUT_VERSION } from "../domain/layout.js";

/** Maps that outlive the agent, by their names in bpf/include/maps.h. */
const SHARED_MAPS = ["policies", "control", "allowed", "rule_counters", "forward_counters", "totals", "samples"] as const;
const POLICY_MAPS = Array.from({ length: KERNEL_LIMITS.generations }, (_, i) => `policy_${i}`);
const PINNED_MAPS: readonly string[] = [...POLICY_MAPS, ...SHARED_MAPS];

/** The maps by name, and the policy map of each generation. */
export type PinnedMaps = Readonly<Record<(typeof SHARED_MAPS)[number], BpfMap>> & { readonly generations: readonly BpfMap[] };

export interface PinnedObjectOptions {
  /** Compiled program, bpf/build/secuxflow.bpf.o. */
  readonly objectPath: string;
  /** This agent's folder on the BPF file system. */
  readonly pinFolder: string;
  /** Size of the ring buffer in bytes, a power of two and a multiple of the page size. */
  readonly ringBytes: number;
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

const pinPath = (folder: string, name: string): string => join(folder, name);

const removePins = (folder: string): void => {
  for (const name of PINNED_MAPS) if (existsSync(pinPath(folder, name))) removePin(pinPath(folder, name));
};

const load = (options: PinnedObjectOptions, folder: string, reuse: boolean): BpfObject => {
  const object = BpfObject.open(options.objectPath);
  try {
    object.setMapMaxEntries("samples", options.ringBytes);
    for (const [name, value] of Object.entries(options.globals ?? {})) object.setGlobal(name, value);
    if (reuse) for (const name of PINNED_MAPS) object.reuseMap(name, pinPath(folder, name));
    object.load();
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
};

/**
 * Loads the program over the maps that an earlier run pinned, or over fresh ones, which it pins. Maps that do not fit
 * (another ring size, an incomplete set) are replaced: their policy comes back from the last known good file.
 */
export function openPinnedObject(options: PinnedObjectOptions): PinnedObject {
  mountBpffs();
  const folder = join(options.pinFolder, `layout-${LAYOUT_VERSION}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const standing = PINNED_MAPS.filter((name) => existsSync(pinPath(folder, name)));
  let discarded = standing.length > 0 && standing.length < PINNED_MAPS.length ? `only ${standing.length} of ${PINNED_MAPS.length} maps were pinned` : undefined;
  if (standing.length === PINNED_MAPS.length) {
    try {
      const object = load(options, folder, true);
      return { object, folder, resumed: true, maps: mapsOf(object) };
    } catch (error) {
      if (!(error instanceof MapMismatchError)) throw error;
      discarded = error.message;
    }
  }
  removePins(folder);
  const object = load(options, folder, false);
  for (const name of PINNED_MAPS) object.map(name).pin(pinPath(folder, name));
  return { object, folder, resumed: false, maps: mapsOf(object), ...(discarded === undefined ? {} : { discarded }) };
}

const mapsOf = (object: BpfObject): PinnedMaps => ({
  ...(Object.fromEntries(SHARED_MAPS.map((name) => [name, object.map(name)])) as Record<(typeof SHARED_MAPS)[number], BpfMap>),
  generations: POLICY_MAPS.map((name) => object.map(name)),
});

/** Removes everything the agent pinned, also of other layout versions. Used where nothing may stay behind. */
export function removePinFolder(pinFolder: string): void {
  if (!existsSync(pinFolder)) return;
  for (const entry of readdirSync(pinFolder, { withFileTypes: true })) {
    const path = join(pinFolder, entry.name);
    if (entry.isDirectory()) removePinFolder(path);
    else removePin(path);
  }
  rmdirSync(pinFolder);
}
