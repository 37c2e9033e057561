import { describe, expect, it } from "vitest";
import { natsOptions, natsSettings } from "./settings.js";

const options = (given: object) => natsOptions(natsSettings.parse(given));

describe("natsSettings", () => {
  it("default to a server on loopback without credentials", () => {
    expect(options({})).toEqual({ urls: "nats://127.0.0.1:4222" });
  });

  it("become credentials, files before a password", () => {
    expect(options({ user: "u", password: "pass" })).toMatchObject({ credentials: { user: "u", password: "pass" } });
    expect(options({ user: "u" })).toMatchObject({ credentials: { user: "u", password: "" } });
    expect(options({ user: "u", nkeyFile: "k" })).toMatchObject({ credentials: { nkeyFile: "k" } });
    expect(options({ nkeyFile: "k", credsFile: "c" })).toMatchObject({ credentials: { credsFile: "c" } });
  });
});
