import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from "@nestjs/common";
import { AddRuleRequest, API_VERSION, type Removed, type RuleAdded, type RuleList, type RulesImported } from "@secuxflow/contracts";
import { contextOf } from "../../http/context.js";
import type { ApiRequest } from "../../http/request.js";
import { parseImport } from "../../http/import-body.js";
import { ClearQuery, DeleteQuery, parse, parseBody, parseId, RulePageQuery } from "../../http/validation.js";
import { PolicyQueries } from "../application/queries.js";
import { PolicyService } from "../application/policy-service.js";

@Controller("v1/rules")
export class RulesController {
  constructor(
    @Inject(PolicyService) private readonly service: PolicyService,
    @Inject(PolicyQueries) private readonly queries: PolicyQueries,
  ) {}

  @Get()
  list(@Query() query: unknown): RuleList {
    return this.queries.rules(parse(RulePageQuery, query, "the query"));
  }

  @Post("import")
  @HttpCode(201)
  async import(@Body() body: unknown, @Req() request: ApiRequest): Promise<RulesImported> {
    const { options, ...rules } = await parseImport(body);
    return { apiVersion: API_VERSION, kind: "RulesImported", ...(await this.service.importRules(rules, contextOf(request), options)) };
  }

  @Post()
  @HttpCode(201)
  async add(@Body() body: unknown, @Req() request: ApiRequest): Promise<RuleAdded> {
    const { rule, options } = parseBody(AddRuleRequest, body, "the rule");
    return { apiVersion: API_VERSION, kind: "RuleAdded", ...(await this.service.addRule(rule, contextOf(request), options)) };
  }

  @Delete(":id")
  async remove(@Param("id") id: string, @Query() query: unknown, @Req() request: ApiRequest): Promise<Removed> {
    const options = parse(DeleteQuery, query, "the query");
    const removed = await this.service.remove({ type: "delete_rule", id: parseId(id) }, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "Removed", what: "rule", ...removed };
  }

  @Delete()
  async clear(@Query() query: unknown, @Req() request: ApiRequest): Promise<Removed> {
    const { confirm, ...options } = parse(ClearQuery, query, "the query");
    const removed = await this.service.remove({ type: "clear_rules", confirm }, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "Removed", what: "rule", ...removed };
  }
}
