import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from "@nestjs/common";
import { AddForwardRequest, API_VERSION, type ForwardAdded, type ForwardList, type Removed } from "@secuxflow/contracts";
import { contextOf } from "../../http/context.js";
import type { ApiRequest } from "../../http/request.js";
import { ClearQuery, DeleteQuery, parse, parseBody, parseId } from "../../http/validation.js";
import { PolicyQueries } from "../application/queries.js";
import { PolicyService } from "../application/policy-service.js";

@Controller("v1/forwards")
export class ForwardsController {
  constructor(
    @Inject(PolicyService) private readonly service: PolicyService,
    @Inject(PolicyQueries) private readonly queries: PolicyQueries,
  ) {}

  @Get()
  list(): ForwardList {
    return this.queries.forwards();
  }

  @Post()
  @HttpCode(201)
  async add(@Body() body: unknown, @Req() request: ApiRequest): Promise<ForwardAdded> {
    const { forward, options } = parseBody(AddForwardRequest, body, "the forward");
    return {
      apiVersion: API_VERSION,
      kind: "ForwardAdded",
      ...(await this.service.addForward(forward, contextOf(request), options)),
    };
  }

  @Delete(":id")
  async remove(@Param("id") id: string, @Query() query: unknown, @Req() request: ApiRequest): Promise<Removed> {
    const options = parse(DeleteQuery, query, "the query");
    const removed = await this.service.remove({ type: "delete_forward", id: parseId(id) }, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "Removed", what: "forward", ...removed };
  }

  @Delete()
  async clear(@Query() query: unknown, @Req() request: ApiRequest): Promise<Removed> {
    const { confirm, ...options } = parse(ClearQuery, query, "the query");
    const removed = await this.service.remove({ type: "clear_forwards", confirm }, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "Removed", what: "forward", ...removed };
  }
}
