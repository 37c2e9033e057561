import { existsSync, readFileSync } from "node:fs";
import { POLICY_LIMITS } from "@secuxflow/contracts";
import { readObjectSpec, structLayoutOf } from "libbpf-ts";
import { describe, expect, it } from "vitest";
import { SERVICE_OBJECT } from "../testing/service-object.js";
import {
  BACKEND, BACKEND_FLAG, CONTROL, EXIT, FORWARD_RESULT, HOP, MATCH_FLAG, PORT, PORT_KEY, SERVICE, SERVICE_COUNT, SERVICE_FLAG, SERVICE_KEY, SERVICE_LIMITS,
  SERVICE_MATCH, TABLE_BYTES,
} from "./layout.js";

if (!existsSync(SERVICE_OBJECT)) throw new Error("bpf/build/services_test.bpf.o is missing; run: node bpf/build.mjs");
const spec = readObjectSpec(SERVICE_OBJECT);

describe("layout of bpf/include/{service,maglev,redirect}.h", () => {
  it.each([
    ["service_key", SERVICE_KEY], ["service_match", SERVICE_MATCH], ["service", SERVICE], ["backend", BACKEND], ["hop", HOP], ["service_control", CONTROL],
    ["port_key", PORT_KEY], ["port", PORT], ["exit", EXIT],
  ] as const)("struct %s, every member", (name, { size, ...offsets }) => {
    const layout = structLayoutOf(spec, name);
    const members = Object.fromEntries(layout.members.filter((member) => member.name !== "pad").map((member) => [member.name, member.offset]));
    expect({ size: layout.size, ...members }).toEqual({ size, ...offsets });
  });

  it("maps hold what the limits promise", () => {
    expect(spec.maps.get("services")).toMatchObject({ maxEntries: SERVICE_LIMITS.services, valueSize: SERVICE.size });
    expect(spec.maps.get("service_backends")).toMatchObject({ maxEntries: SERVICE_LIMITS.services * SERVICE_LIMITS.backends, valueSize: BACKEND.size });
    expect(spec.maps.get("service_hops")).toMatchObject({ maxEntries: SERVICE_LIMITS.hops, valueSize: HOP.size });
    expect(spec.maps.get("service_tables")).toMatchObject({ maxEntries: SERVICE_LIMITS.tables, valueSize: TABLE_BYTES });
    expect(spec.maps.get("service_counters")).toMatchObject({ maxEntries: SERVICE_LIMITS.services * SERVICE_COUNT.count });
    expect(spec.maps.get("service_results")).toMatchObject({ maxEntries: FORWARD_RESULT.length });
    expect(spec.maps.get("service_keys")).toMatchObject({ maxEntries: SERVICE_LIMITS.keys, keySize: SERVICE_KEY.size, valueSize: SERVICE_MATCH.size });
    expect(spec.maps.get("service_flows")).toMatchObject({ maxEntries: SERVICE_LIMITS.flowLines, valueSize: 64 });
    expect(POLICY_LIMITS.services).toBeLessThanOrEqual(SERVICE_LIMITS.services);
    expect(POLICY_LIMITS.backends).toBeLessThanOrEqual(SERVICE_LIMITS.backends);
    // Every service changes its table at once only in steps; each may have one, and there are spare ones.
    expect(SERVICE_LIMITS.tables).toBeGreaterThan(SERVICE_LIMITS.services);
  });

  it("numbers of bits and kinds are those of the headers", () => {
    const header = ["service", "maglev", "redirect"].map((name) => readFileSync(new URL(`../../../../../bpf/include/${name}.h`, import.meta.url), "utf8")).join("\n");
    const bit = (name: string, value: number): void => { expect(header).toContain(`${name} = 1 << ${Math.log2(value)}`); };
    bit("MATCH_PORTS", MATCH_FLAG.ports);
    bit("MATCH_PROTOCOLS", MATCH_FLAG.protocols);
    bit("SERVICE_TRANSLATED", SERVICE_FLAG.translated);
    bit("SERVICE_TRACKED", SERVICE_FLAG.tracked);
    bit("BACKEND_USED", BACKEND_FLAG.used);
    bit("BACKEND_UP", BACKEND_FLAG.up);
    expect(header).toContain(`#define MAGLEV_ENTRIES ${SERVICE_LIMITS.maglevEntries} `);
    const results = [...(/enum forward_result \{([^}]*)\}/.exec(header)?.[1] ?? "").matchAll(/^\tFORWARD_(\w+)/gm)].map(([, name = ""]) => name.toLowerCase().replaceAll("_", "-"));
    expect(results).toEqual([...FORWARD_RESULT, "results"]);
  });
});
