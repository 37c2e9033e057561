import { Body, Controller, Get, HttpCode, Inject, Param, Patch, Post, Req } from "@nestjs/common";
import {
  API_VERSION, CanaryRequest, ConfigureModuleRequest, EnableModuleRequest, ModuleCommandRequest, PublishModuleRequest,
  PublishRuleSetRequest, QuarantineRequest, type CommandOptions, type ModuleChanged, type ModuleShown,
} from "@secuxflow/contracts";
import { contextOf } from "../../http/context.js";
import type { ApiRequest } from "../../http/request.js";
import { parseBody, parseName } from "../../http/validation.js";
import type { ModuleCommand } from "../../policy/domain/index.js";
import { ModuleCommands } from "../application/module-commands.js";

const now = (): string => new Date().toISOString();

@Controller("v1/modules")
export class ModulesController {
  constructor(@Inject(ModuleCommands) private readonly modules: ModuleCommands) {}

  @Get(":name")
  show(@Param("name") name: string): ModuleShown {
    return { apiVersion: API_VERSION, kind: "Module", ...this.modules.show(parseName(name)) };
  }

  @Post()
  @HttpCode(201)
  async publish(@Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    const asked = parseBody(PublishModuleRequest, body, "the module");
    return { apiVersion: API_VERSION, kind: "ModuleChanged", ...(await this.modules.publish(asked, contextOf(request))) };
  }

  @Post(":name/rules")
  @HttpCode(201)
  async publishRules(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    const asked = parseBody(PublishRuleSetRequest, body, "the rules");
    return { apiVersion: API_VERSION, kind: "ModuleChanged", ...(await this.modules.publishRules(parseName(name), asked, contextOf(request))) };
  }

  @Patch(":name")
  async configure(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    const { options, ...change } = parseBody(ConfigureModuleRequest, body, "the change");
    return this.#do({ type: "configure_module", name: parseName(name), ...change }, request, options);
  }

  @Post(":name/enable")
  @HttpCode(200)
  async enable(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    const { options, ...picks } = parseBody(EnableModuleRequest, body, "the command");
    return this.#do({ type: "enable_module", name: parseName(name), ...picks }, request, options);
  }

  @Post(":name/disable")
  @HttpCode(200)
  async disable(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    return this.#plain("disable_module", name, body, request);
  }

  @Post(":name/canary")
  @HttpCode(200)
  async canary(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    const { options, ...asked } = parseBody(CanaryRequest, body, "the canary");
    return this.#do({ type: "canary_module", name: parseName(name), ...asked, now: now() }, request, options);
  }

  @Post(":name/promote")
  @HttpCode(200)
  async promote(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    return this.#plain("promote_module", name, body, request);
  }

  @Post(":name/rollback")
  @HttpCode(200)
  async rollback(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    const { options } = parseBody(ModuleCommandRequest, body, "the command");
    return this.#do({ type: "rollback_module", name: parseName(name), reason: "ordered by an administrator", now: now() }, request, options);
  }

  @Post(":name/quarantine")
  @HttpCode(200)
  async quarantine(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    const { options, reason } = parseBody(QuarantineRequest, body, "the command");
    return this.#do({ type: "quarantine_module", name: parseName(name), quarantine: { reason, strikes: 0, at: now() } }, request, options);
  }

  @Post(":name/release")
  @HttpCode(200)
  async release(@Param("name") name: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<ModuleChanged> {
    return this.#plain("release_module", name, body, request);
  }

  async #plain(type: "disable_module" | "promote_module" | "release_module", name: string, body: unknown, request: ApiRequest): Promise<ModuleChanged> {
    const { options } = parseBody(ModuleCommandRequest, body, "the command");
    return this.#do({ type, name: parseName(name) }, request, options);
  }

  async #do(command: ModuleCommand, request: ApiRequest, options: CommandOptions): Promise<ModuleChanged> {
    return { apiVersion: API_VERSION, kind: "ModuleChanged", ...(await this.modules.command(command, contextOf(request), options)) };
  }
}
