import { tempDir, type TempDir } from "@secuxflow/testkit";
import { generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testKey } from "../../testing/rule-api.js";
import { TrustedKeys } from "./trusted-keys.js";

let folder: TempDir;
beforeEach(async () => void (folder = await tempDir("keys")));
afterEach(() => folder.remove());

const key = testKey();
const signature = (statement: string, keyId = key.id) => ({ keyId, value: sign(null, Buffer.from(statement), key.privateKey).toString("base64") });

describe("TrustedKeys", () => {
  it("believes what a trusted key has signed, and nothing else", () => {
    writeFileSync(join(folder.path, "a.pem"), key.publicPem);
    const trust = new TrustedKeys([folder.path]);
    expect([trust.configured, trust.problems]).toEqual([true, []]);
    expect(trust.check("x", signature("x"))).toBeUndefined();
    expect(trust.check("y", signature("x"))).toMatch(/is wrong/);
    expect(trust.check("x", undefined)).toMatch(/not signed/);
    expect(trust.check("x", signature("x", "0".repeat(16)))).toMatch(/not trusted here/);
  });

  it("trusts nobody without configuration", () => {
    expect(new TrustedKeys([]).check("x", signature("x"))).toMatch(/no key is trusted/);
  });

  it("names files that hold no such key, and takes the others", () => {
    writeFileSync(join(folder.path, "a.pem"), "nonsense");
    writeFileSync(join(folder.path, "b.pem"), generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }));
    writeFileSync(join(folder.path, "c.pem"), key.publicPem);
    const trust = new TrustedKeys([folder.path, join(folder.path, "nowhere.pem")]);
    expect(trust.problems.map((problem) => /[ab]\.pem|nowhere/.exec(problem)?.[0])).toEqual(["a.pem", "b.pem", "nowhere"]);
    expect(trust.check("x", signature("x"))).toBeUndefined();
  });
});
