import { ModuleName, ProblemError, RuleLanguage } from "@secuxflow/contracts";
import { z } from "zod";

/** The little of the platform's WebAssembly that is used here; its types come with the DOM's alone. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: {
    compile(bytes: Uint8Array): Promise<object>;
    readonly Module: { customSections(module: object, name: string): ArrayBuffer[] };
  };
};

const SECTION = "secuxflow.manifest";
const MAX_MANIFEST = 16 * 1024 * 1024;

/** What is wanted of a manifest here; inspectors check all of it. */
const Manifest = z.object({
  id: ModuleName,
  version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "a version is like 1.2.3").max(64),
  title: z.string().min(1).max(200),
  ruleLanguage: RuleLanguage.optional(),
});

const refused = (message: string): ProblemError =>
  new ProblemError("invalid_input", `wasm: ${message}`, { errors: [{ field: "wasm", message }], next: "build the module again, see docs/inspect-abi.md" });

/** Name, version, title and rule language of a module, by its manifest. Nothing of it is run. @throws ProblemError invalid_input */
export async function readModule(binary: Uint8Array): Promise<{ name: string; version: string; title: string; ruleLanguage?: RuleLanguage }> {
  let module: object;
  try {
    module = await wasm.compile(Uint8Array.from(binary));
  } catch (error) {
    throw refused(`this is no WebAssembly module: ${(error as Error).message.slice(0, 200)}`);
  }
  const [section, ...more] = wasm.Module.customSections(module, SECTION);
  if (section === undefined || more.length > 0) throw refused(`it has ${more.length + (section ? 1 : 0)} sections ${SECTION}, and needs one`);
  if (section.byteLength > MAX_MANIFEST) throw refused("its manifest is too long");
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(section));
  } catch {
    throw refused("its manifest is no JSON");
  }
  const read = Manifest.safeParse(json);
  if (!read.success) throw refused(`its manifest is not valid: ${z.prettifyError(read.error)}`);
  const { id, ruleLanguage, ...rest } = read.data;
  return { name: id, ...rest, ...(ruleLanguage && { ruleLanguage }) };
}
