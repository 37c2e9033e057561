import { routes } from "@secuxflow/contracts";
import type { CommandSpec } from "../command.js";
import { Values } from "../context.js";
import { UsageError } from "../errors.js";
import { EXIT } from "../exit.js";
import { API_VERSION } from "../http/shapes.generated.js";
import { printDocument } from "../output/format.js";
import { text } from "./common.js";
import { changeModule } from "./module-change.js";
import { printModuleChange, shortDigest } from "./module-view.js";

export const KEY_OPTION: NonNullable<CommandSpec["options"]>[number] = ["--key <file>", "Ed25519 private key (PEM) to sign with; see module keygen"];
/** Megabytes are stored, and tried by inspectors. */
export const PUSH_MS = 60_000;

export const PUSH: CommandSpec = {
  name: "push",
  summary: "publish a version of a module, signed; it runs when it is enabled",
  description:
    "Publish a version of a module. Name and version are those of its manifest. Inspectors run it when it is enabled, or tried as a canary, " +
    "and only with a signature of a key that they trust (modules.trustedKeys of their configuration).",
  options: [KEY_OPTION, ["--wait <duration>", "how long to wait until all inspectors know of it; 0 does not wait", { default: "5s" }]],
  argument: { name: "FILE", description: "the .wasm file" },
  examples: [
    ["module push sensor.wasm --key signing.pem", "publish it"],
    ["module enable sensor", "and run it"],
  ],
  run: async (context, options, file) => {
    const values = new Values();
    if (file === undefined) values.fault("FILE", "which file? give the path of a .wasm file");
    const wait = values.duration("--wait", text(options, "wait"), { most: "60s", zero: true }) ?? 5_000;
    values.check();
    const { readModuleFile, sha256, signModule } = await import("../offline/signing.js");
    const { bytes, name, version } = readModuleFile(file ?? "");
    const key = text(options, "key");
    const signature = key === undefined ? undefined : signModule({ name, version, digest: sha256(bytes) }, key);
    const body = { wasm: Buffer.from(bytes).toString("base64"), ...(signature && { signature }) };
    const changed = await changeModule(context, name, routes.modules, body, wait, { extraMs: PUSH_MS });
    const by = signature === undefined ? "" : `, signed by ${signature.keyId}`;
    return printModuleChange(context, changed, `${name} ${version} (${shortDigest(changed.digest ?? "")}${by}) published`);
  },
};

export const KEYGEN: CommandSpec = {
  name: "keygen",
  summary: "make a key pair to sign modules and rules with",
  description:
    "Make an Ed25519 key pair: FILE gets the private key, FILE.pub the public one. Inspectors get the public key in a folder that " +
    "modules.trustedKeys names; the private key stays with whoever releases modules.",
  argument: { name: "FILE", description: "file for the private key; it must not be there yet" },
  examples: [["module keygen signing.pem", "signing.pem and signing.pem.pub"]],
  run: async (context, _options, file) => {
    if (file === undefined) throw new UsageError([{ flag: "FILE", message: "which file? give a name for the private key" }]);
    const { makeKey } = await import("../offline/signing.js");
    const keyId = makeKey(file);
    const document = { apiVersion: API_VERSION, kind: "KeyPair", keyId, privateKey: file, publicKey: `${file}.pub` };
    await printDocument(context.out, context.format, document, () => [
      [`key ${keyId}: private key in ${file}, public key in ${file}.pub`],
      ["next: copy the public key as a .pem file to the inspectors' folder of trusted keys (modules.trustedKeys)"],
    ]);
    return EXIT.done;
  },
};
