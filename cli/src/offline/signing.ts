// Loaded only for who pushes modules and rules.
import { moduleStatement, ruleSetStatement } from "@secuxflow/contracts";
import { ModuleRejected, readManifest } from "@secuxflow/module-host";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { CliError } from "../errors.js";
import { EXIT } from "../exit.js";

interface Signature {
  readonly keyId: string;
  readonly value: string;
}

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown error";

/** A module's binary with what its manifest calls it. @throws CliError */
export function readModuleFile(path: string): { readonly bytes: Uint8Array; readonly name: string; readonly version: string } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new CliError(`${path} cannot be read (${codeOf(error)})`, { exit: EXIT.usage, next: "give the path of a .wasm file" });
  }
  try {
    const { id, version } = readManifest(bytes);
    return { bytes, name: id, version };
  } catch (error) {
    if (!(error instanceof ModuleRejected)) throw error;
    throw new CliError(`${path}: ${error.message}`, { next: "build the module again; docs/inspect-abi.md says what it needs", cause: error });
  }
}

/** First 16 hex digits of the SHA-256 of the public key (SPKI, DER). */
const keyIdOf = (key: KeyObject): string =>
  createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest("hex").slice(0, 16);

function privateKey(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is a key of type ${key.asymmetricKeyType ?? "unknown"}`);
    return key;
  } catch (error) {
    const reason = error instanceof Error && "code" in error && /^E[A-Z]+$/.test(codeOf(error)) ? `cannot be read (${codeOf(error)})`
      : `holds no Ed25519 private key: ${(error as Error).message}`;
    throw new CliError(`--key: ${path} ${reason}`, { exit: EXIT.usage, next: `secuxflow-cli module keygen ${path}` });
  }
}

function signed(statement: string, path: string): Signature {
  const key = privateKey(path);
  return { keyId: keyIdOf(createPublicKey(key)), value: sign(null, Buffer.from(statement), key).toString("base64") };
}

/** @param path of the private key @throws CliError */
export const signModule = (module: Parameters<typeof moduleStatement>[0], path: string): Signature => signed(moduleStatement(module), path);

/** @param path of the private key @throws CliError */
export const signRuleSet = (ruleSet: Parameters<typeof ruleSetStatement>[0], path: string): Signature => signed(ruleSetStatement(ruleSet), path);

/** Writes a new key pair: the private key to `path`, the public one beside it with `.pub`. @returns its id @throws CliError */
export function makeKey(path: string): string {
  const pair = generateKeyPairSync("ed25519");
  try {
    writeFileSync(path, pair.privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
    writeFileSync(`${path}.pub`, pair.publicKey.export({ type: "spki", format: "pem" }), { flag: "wx" });
  } catch (error) {
    throw new CliError(`${path} cannot be written (${codeOf(error)})`, { exit: EXIT.usage, next: "a key is never overwritten: take another name" });
  }
  return keyIdOf(pair.publicKey);
}
