import { UnreadablePolicyMessage } from "@secuxflow/contracts";
import { sampleMessage } from "@secuxflow/event-store/testing";
import { headers } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { commandIdOf, decodePolicyMessage, policyHeaders } from "./codec.js";

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

  it("refuses another schema, bytes that are no JSON, and JSON that is no message", () => {
    const newer = headers();
    newer.set("ce-dataschema", "urn:secuxflow:schema:policy-message:2");
    expect(() => decodePolicyMessage(encode(sampleMessage(1)), newer)).toThrow(/policy-message:2/);
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
});
