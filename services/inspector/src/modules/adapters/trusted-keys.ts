import type { Signature } from "@secuxflow/contracts";
import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Trust } from "../application/ports.js";

const MAX_FILES = 256;

/** First 16 hex digits of the SHA-256 of a public key (SPKI, DER): what signatures call it. */
export const keyIdOf = (key: KeyObject): string =>
  createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest("hex").slice(0, 16);

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).filter((name) => name.endsWith(".pem")).sort().slice(0, MAX_FILES).map((name) => join(path, name));
}

/** Ed25519 public keys in PEM files. Read once: another key takes a restart. */
export class TrustedKeys implements Trust {
  readonly #keys = new Map<string, KeyObject>();
  readonly #paths: readonly string[];
  /** Files that hold no such key, for people. */
  readonly problems: readonly string[];

  /** @param paths PEM files, or folders of them (*.pem) */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
    const problems: string[] = [];
    for (const path of paths) {
      try {
        for (const file of filesOf(path)) this.#read(file, problems);
      } catch (error) {
        problems.push(`trusted keys of ${path} cannot be read: ${(error as Error).message}; set modules.trustedKeys`);
      }
    }
    this.problems = problems;
  }

  get configured(): boolean {
    return this.#paths.length > 0;
  }

  check(statement: string, signature: Signature | undefined): string | undefined {
    if (!this.configured) return "no key is trusted here: name PEM files in modules.trustedKeys";
    if (signature === undefined) return "it is not signed: push it with --key";
    const key = this.#keys.get(signature.keyId);
    if (key === undefined) return `it is signed by key ${signature.keyId}, which is not trusted here: add it to modules.trustedKeys`;
    const good = verify(null, Buffer.from(statement), key, Buffer.from(signature.value, "base64"));
    return good ? undefined : `its signature by key ${signature.keyId} is wrong: it was changed after it was signed`;
  }

  #read(file: string, problems: string[]): void {
    try {
      const key = createPublicKey(readFileSync(file));
      if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is a key of type ${key.asymmetricKeyType ?? "unknown"}`);
      this.#keys.set(keyIdOf(key), key);
    } catch (error) {
      problems.push(`${file} holds no Ed25519 public key: ${(error as Error).message}`);
    }
  }
}
