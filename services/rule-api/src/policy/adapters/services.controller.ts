import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from "@nestjs/common";
import { AddServiceRequest, API_VERSION, type Deleted, type ServiceAdded, type ServiceList } from "@secuxflow/contracts";
import { contextOf } from "../../http/context.js";
import type { ApiRequest } from "../../http/request.js";
import { DeleteQuery, parse, parseBody, parseName } from "../../http/validation.js";
import { NamedThings } from "../application/named-things.js";
import { PolicyQueries } from "../application/queries.js";

@Controller("v1/services")
export class ServicesController {
  constructor(
    @Inject(NamedThings) private readonly things: NamedThings,
    @Inject(PolicyQueries) private readonly queries: PolicyQueries,
  ) {}

  @Get()
  list(): ServiceList {
    return this.queries.services();
  }

  @Post()
  @HttpCode(201)
  async add(@Body() body: unknown, @Req() request: ApiRequest): Promise<ServiceAdded> {
    const { service, options } = parseBody(AddServiceRequest, body, "the service");
    const added = await this.things.addService(service, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "ServiceAdded", ...added };
  }

  @Delete(":name")
  async remove(@Param("name") name: string, @Query() query: unknown, @Req() request: ApiRequest): Promise<Deleted> {
    const options = parse(DeleteQuery, query, "the query");
    return {
      apiVersion: API_VERSION,
      kind: "Deleted",
      ...(await this.things.deleteService(parseName(name), contextOf(request), options)),
    };
  }
}
