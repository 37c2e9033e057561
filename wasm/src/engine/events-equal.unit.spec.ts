import { APP_EVENTS, DECODE_EVENTS, STREAM_EVENT_BASE, STREAM_EVENTS } from "@secuxflow/suricata-rules";
import { describe, expect, it } from "vitest";
import { APP_EVENTS as ENGINE_APP_EVENTS } from "./app/app-events.js";
import { DECODE_EVENTS as ENGINE_DECODE_EVENTS, STREAM_EVENT_BASE as ENGINE_BASE, STREAM_EVENTS as ENGINE_STREAM_EVENTS } from "./events.js";
import { HTTP_EVENTS } from "./http/http-events.js";

describe("names of events", () => {
  it("are the same in the rule compiler and in the engine", () => {
    expect(DECODE_EVENTS).toEqual(ENGINE_DECODE_EVENTS);
    expect(STREAM_EVENTS).toEqual(ENGINE_STREAM_EVENTS);
    expect(STREAM_EVENT_BASE).toBe(ENGINE_BASE);
    expect(Object.fromEntries(APP_EVENTS)).toEqual({ ...ENGINE_APP_EVENTS, http: HTTP_EVENTS });
  });
});
