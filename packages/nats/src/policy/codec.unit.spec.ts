import { UnreadablePolicyMessage } from "@secuxflow/contracts";
import { sampleMessage } from "@secuxflow/event-store/testing";
import { headers } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { claimedBodies, claimedBody, claimOf, commandIdOf, decodePolicyMessage, policyHeaders } from "./codec.js";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const set = policyHeaders(sampleMessage(1), { policy: "p", commandId: "id-1", source: "urn:x" });

describe("the policy codec", () => {
  it("reads what it writes", () => {
    expect(decodePolicyMessage(encode(sampleMessage(1)), set)).toEqual(sampleMessage(1));
    expect(commandIdOf(set)).toBe("id-1");
  });

  it("leaves out traceparent where there is none", () => {
    expect(set.has("traceparent")).toBe(false);
    expect(
      policyHeaders(sampleMessage(1), { policy: "p", commandId: "i", source: "s", traceparent: "00-1" }).get("traceparent"),
    ).toBe("00-1");
  });

  it("reads messages without headers, for they are checked by their body", () => {
    expect(decodePolicyMessage(encode(sampleMessage(1)), undefined)).toEqual(sampleMessage(1));
    expect(commandIdOf(undefined)).toBe("");
  });

  it("reads what was written before rules had their newer conditions", () => {
    const older = headers();
    older.set("ce-dataschema", "urn:secuxflow:schema:policy-message:1");
    expect(decodePolicyMessage(encode(sampleMessage(1)), older)).toEqual(sampleMessage(1));
  });

  it("reads back the claim of a body that is elsewhere, and refuses one that is damaged", () => {
    const claim = { id: "A1", sha256: "ab".repeat(32), parts: 3, bytes: 1_234, size: 99_999 };
    const claiming = policyHeaders(sampleMessage(1), { policy: "p", commandId: "id-1", source: "urn:x", claim });
    expect([claimOf(claiming), claimedBody(claiming)]).toEqual([claim, "A1"]);
    expect([claimOf(set), claimOf(undefined), claimedBody(set)]).toEqual([undefined, undefined, ""]);
    for (const [field, value] of [["sha256", "x"], ["parts", "0"], ["bytes", "1e99"], ["size", ""], ["id", "a.b"]] as const) {
      const damaged = policyHeaders(sampleMessage(1), { policy: "p", commandId: "id-1", source: "urn:x", claim });
      damaged.set(`SecuXFlow-Body-${field}`, value);
      expect(() => claimOf(damaged)).toThrow(UnreadablePolicyMessage);
    }
  });

  it("refuses another schema, bytes that are no JSON, and JSON that is no message", () => {
    const newer = headers();
    newer.set("ce-dataschema", "urn:secuxflow:schema:policy-message:3");
    expect(() => decodePolicyMessage(encode(sampleMessage(1)), newer)).toThrow(/policy-message:3/);
    for (const body of [
      new Uint8Array(),
      new Uint8Array([0xff]),
      encode(null),
      encode({}),
      encode({ ...sampleMessage(1), events: [] }),
    ]) {
      expect(() => decodePolicyMessage(body, set)).toThrow(UnreadablePolicyMessage);
    }
  });

  it("names what its events refer to, so that it is kept as long as the message", () => {
    const blob = { id: "B7", sha256: "0".repeat(64), parts: 1, bytes: 1, size: 1 };
    const module = { version: "1.0.0", digest: `sha256:${"0".repeat(64)}`, title: "m", blob, publishedAt: "2026-01-01T00:00:00.000Z" };
    const published = { actor: "a", at: "2026-01-01T00:00:00.000Z", events: [{ type: "module.published" as const, version: 1 as const, data: { name: "m", module } }] };
    const set = policyHeaders(published, { policy: "p", commandId: "c", source: "s" });
    expect([claimedBodies(set), claimedBodies(undefined)]).toEqual([["B7"], []]);
  });
});
