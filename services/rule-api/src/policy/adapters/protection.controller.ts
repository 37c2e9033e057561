import { Body, Controller, Get, Inject, Patch, Req } from "@nestjs/common";
import { API_VERSION, ChangeProtectionRequest, type ProtectionChanged, type ProtectionShown } from "@secuxflow/contracts";
import { contextOf } from "../../http/context.js";
import type { ApiRequest } from "../../http/request.js";
import { parseBody } from "../../http/validation.js";
import { NamedThings } from "../application/named-things.js";
import { PolicyQueries } from "../application/queries.js";

@Controller("v1/protection")
export class ProtectionController {
  constructor(
    @Inject(NamedThings) private readonly things: NamedThings,
    @Inject(PolicyQueries) private readonly queries: PolicyQueries,
  ) {}

  @Get()
  show(): ProtectionShown {
    return this.queries.protection();
  }

  @Patch()
  async change(@Body() body: unknown, @Req() request: ApiRequest): Promise<ProtectionChanged> {
    const { change, options } = parseBody(ChangeProtectionRequest, body, "the change");
    const changed = await this.things.changeProtection(change, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "ProtectionChanged", ...changed };
  }
}
