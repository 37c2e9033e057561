import { createHash } from "node:crypto";
import {
  MODULE_LIMITS, ProblemError, type BlobRef, type ModuleChanged, type ModuleShown, type PublishModuleRequest, type PublishRuleSetRequest,
} from "@secuxflow/contracts";
import type { Clock } from "../../clock.js";
import type { CommandContext, CommandOptions, PolicyService } from "../../policy/application/policy-service.js";
import { toProblem } from "../../policy/application/problems.js";
import type { ModuleCommand } from "../../policy/domain/index.js";
import type { InspectorWatch } from "./inspector-watch.js";
import { moduleDetail } from "./module-views.js";
import { readModule } from "./wasm-manifest.js";

/** Where modules and rule images are put before an event names them. */
export interface BlobStore {
  put(bytes: Uint8Array): Promise<BlobRef>;
}

type Answer<D> = Omit<D, "apiVersion" | "kind">;
type Options = Omit<CommandOptions, "confirm">;

const IMAGE_MAGIC = 0x49525853; // "SXRI"
const IMAGE_KINDS = { suricata: 1, seclang: 2 } as const;
const IMAGE_HEADER = 32;

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const invalid = (field: string, message: string): ProblemError =>
  new ProblemError("invalid_input", `${field}: ${message}`, { errors: [{ field, message }] });

/** What administrators do with modules, and where it is in force. */
export class ModuleCommands {
  constructor(
    private readonly policy: Pick<PolicyService, "execute" | "enforced" | "view">,
    private readonly blobs: BlobStore,
    private readonly inspectors: InspectorWatch,
    private readonly clock: Clock,
  ) {}

  /** @throws ProblemError not_found */
  show(name: string): Answer<ModuleShown> {
    const { state, revision } = this.policy.view();
    return { revision, module: moduleDetail(name, state, this.inspectors.live()) };
  }

  async publish({ wasm, signature, options }: PublishModuleRequest, context: CommandContext): Promise<Answer<ModuleChanged>> {
    const bytes = Buffer.from(wasm, "base64");
    if (bytes.length > MODULE_LIMITS.wasmBytes) throw invalid("wasm", "the module is too large");
    const { name, ...summary } = await readModule(bytes);
    const digest = sha256(bytes);
    const known = this.policy.view().state.controls.get(name)?.versions.find((version) => version.digest === digest);
    const module = {
      ...summary, digest, blob: known?.blob ?? (await this.#put(bytes)), publishedAt: this.#now(), ...(signature && { signature }),
    };
    return this.#answer({ type: "publish_module", name, module }, context, options, digest);
  }

  async publishRules(name: string, request: PublishRuleSetRequest, context: CommandContext): Promise<Answer<ModuleChanged>> {
    const { image, language, rules, refused, comment, signature, activate, options } = request;
    this.show(name); // before megabytes are stored for a module that is not there
    const bytes = Buffer.from(image, "base64");
    checkImage(bytes, language);
    const digest = sha256(bytes);
    const known = this.policy.view().state.controls.get(name)?.ruleSets.find((ruleSet) => ruleSet.digest === digest);
    const ruleSet = {
      digest, language, rules, refused, blob: known?.blob ?? (await this.#put(bytes)), publishedAt: this.#now(),
      ...(comment !== undefined && { comment }), ...(signature && { signature }),
    };
    return this.#answer({ type: "publish_rules", name, ruleSet, activate }, context, options, digest);
  }

  async command(command: ModuleCommand, context: CommandContext, options: Options): Promise<Answer<ModuleChanged>> {
    return this.#answer(command, context, options);
  }

  async #answer(command: ModuleCommand, context: CommandContext, options: Options, digest?: string): Promise<Answer<ModuleChanged>> {
    const result = await this.policy.execute(command, context, options);
    const [enforcement, { warnings }] = await Promise.all([
      this.inspectors.wait(result.revision, options.waitMs),
      this.policy.enforced(result.revision, { waitMs: 0 }),
    ]);
    const module = moduleDetail(command.name, result.state, this.inspectors.live());
    return {
      name: command.name, ...(digest !== undefined && { digest }), module, enforcement,
      warnings: [...this.#warnings(command, module, enforcement.inspectors), ...warnings.filter((text) => !text.startsWith("no agent"))],
    };
  }

  #warnings(command: ModuleCommand, module: ModuleChanged["module"], inspectors: number): string[] {
    const refusing = module.on.filter(({ problem }) => problem !== undefined);
    return [
      ...(inspectors === 0 ? ["no inspector is live: this is stored, and comes into force when one starts"] : []),
      ...refusing.map(({ inspectorId, problem }) => `inspector ${inspectorId}: ${problem ?? ""}`),
      ...(command.type === "publish_module" && command.module.signature === undefined
        ? ["it is not signed: inspectors run pushed modules only with a signature of a key that they trust"] : []),
    ];
  }

  async #put(bytes: Uint8Array): Promise<BlobRef> {
    try {
      return await this.blobs.put(bytes);
    } catch (error) {
      throw toProblem(error);
    }
  }

  #now(): string {
    return this.clock.now().toISOString();
  }
}

/** What can be seen of an image without knowing its sections; inspectors check the rest. @throws ProblemError invalid_input */
function checkImage(bytes: Buffer, language: keyof typeof IMAGE_KINDS): void {
  if (bytes.length < IMAGE_HEADER || bytes.readUInt32LE(0) !== IMAGE_MAGIC) throw invalid("image", "this is no rule image: make one with module rules import");
  if (bytes.readUInt32LE(8) !== bytes.length) throw invalid("image", `its header says ${bytes.readUInt32LE(8)} bytes, there are ${bytes.length}`);
  if (bytes.readUInt16LE(6) !== IMAGE_KINDS[language]) throw invalid("language", `the image is not in ${language}`);
}
