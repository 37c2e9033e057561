import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BpfObject } from "libbpf-ts";
import { SERVICE_MAPS, type ServiceMaps } from "../adapters/bpf-service-kernel.js";

/** The compiled programs for tests. */
export const SERVICE_OBJECT = fileURLToPath(new URL("../../../../../bpf/build/services_test.bpf.o", import.meta.url));

/** The programs that forward to services and back, without the filter before them. */
export function loadServiceObject(): { object: BpfObject; maps: ServiceMaps } {
  if (!existsSync(SERVICE_OBJECT)) throw new Error("bpf/build/services_test.bpf.o is missing; run: node bpf/build.mjs");
  const object = BpfObject.open(SERVICE_OBJECT);
  try {
    object.load();
  } catch (error) {
    object.close();
    throw error;
  }
  return { object, maps: Object.fromEntries(SERVICE_MAPS.map((name) => [name, object.map(name)])) as unknown as ServiceMaps };
}
