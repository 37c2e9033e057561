import { tempDir } from "@secuxflow/testkit";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clientOptions, urlList } from "./options.js";

describe("urlList", () => {
  it("takes one, several with commas, or a list", () => {
    expect(urlList("nats://a:1")).toEqual(["nats://a:1"]);
    expect(urlList(" nats://a:1, nats://b:2 ,")).toEqual(["nats://a:1", "nats://b:2"]);
    expect(urlList(["nats://a:1", "nats://b:2"])).toEqual(["nats://a:1", "nats://b:2"]);
  });

  it("refuses none", () => {
    for (const none of ["", " , ", []]) expect(() => urlList(none)).toThrow(RangeError);
  });
});

describe("clientOptions", () => {
  const base = { urls: "nats://a:1", name: "x" };

  it("reconnects for ever", () => {
    expect(clientOptions(base)).toMatchObject({
      reconnect: true,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      name: "x",
    });
  });

  it("insists on TLS only when told to", () => {
    expect("tls" in clientOptions(base)).toBe(false);
    expect(clientOptions({ ...base, tls: {} }).tls).toEqual({});
  });

  it("passes user and token on", () => {
    expect(clientOptions({ ...base, credentials: { user: "u", password: "p" } })).toMatchObject({ user: "u", pass: "p" });
    expect(clientOptions({ ...base, credentials: { token: "t" } })).toMatchObject({ token: "t" });
  });

  it("reads an nkey anew at each connect", async () => {
    const { nkeys } = await import("@nats-io/transport-node");
    const folder = await tempDir("nkey");
    try {
      const nkeyFile = join(folder.path, "seed");
      const { authenticator } = clientOptions({ ...base, credentials: { nkeyFile } });
      if (typeof authenticator !== "function") throw new Error("there is one authenticator");
      const keys = [nkeys.createUser(), nkeys.createUser()];
      for (const key of keys) {
        await writeFile(nkeyFile, `${new TextDecoder().decode(key.getSeed())}\n`);
        expect(authenticator("nonce")).toMatchObject({ nkey: key.getPublicKey() });
      }
    } finally {
      await folder.remove();
    }
  });
});
