import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Req } from "@nestjs/common";
import {
  AddSetRequest, API_VERSION, ChangeSetRequest, ReplaceSetRequest,
  type CommandOptions, type Deleted, type SetAdded, type SetEntriesChanged, type SetList, type SetShown, type SetSpec,
} from "@secuxflow/contracts";
import { contextOf } from "../../http/context.js";
import { EntryLines } from "../../http/entry-lines.js";
import type { ApiRequest } from "../../http/request.js";
import {
  ClearQuery, DeleteQuery, NewSetQuery, NoQuery, parse, parseBody, parseName, SetPageQuery,
} from "../../http/validation.js";
import { NamedThings } from "../application/named-things.js";
import { PolicyQueries } from "../application/queries.js";

/** What a change of entries asks for: by JSON, or by lines with the options in the query. */
interface Entries {
  readonly entries: readonly string[];
  readonly options: CommandOptions;
}

@Controller("v1/sets")
export class SetsController {
  constructor(
    @Inject(NamedThings) private readonly things: NamedThings,
    @Inject(PolicyQueries) private readonly queries: PolicyQueries,
  ) {}

  @Get()
  list(): SetList {
    return this.queries.sets();
  }

  @Get(":name")
  show(@Param("name") name: string, @Query() query: unknown): SetShown {
    return this.queries.set(parseName(name), parse(SetPageQuery, query, "the query"));
  }

  @Post()
  @HttpCode(201)
  async create(@Body() body: unknown, @Query() query: unknown, @Req() request: ApiRequest): Promise<SetAdded> {
    const { set, options } = createRequest(body, query);
    return { apiVersion: API_VERSION, kind: "SetAdded", ...(await this.things.createSet(set, contextOf(request), options)) };
  }

  @Post(":name/entries")
  @HttpCode(200)
  async change(
    @Param("name") name: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: ApiRequest,
  ): Promise<SetEntriesChanged> {
    const { change, options } = changeRequest(body, query);
    const changed = await this.things.changeSet(parseName(name), change, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "SetEntriesChanged", ...changed };
  }

  @Put(":name/entries")
  async replace(
    @Param("name") name: string,
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: ApiRequest,
  ): Promise<SetEntriesChanged> {
    const { entries, options } = replaceRequest(body, query);
    const changed = await this.things.replaceSet(parseName(name), entries, contextOf(request), options);
    return { apiVersion: API_VERSION, kind: "SetEntriesChanged", ...changed };
  }

  @Delete(":name")
  async remove(@Param("name") name: string, @Query() query: unknown, @Req() request: ApiRequest): Promise<Deleted> {
    const options = parse(DeleteQuery, query, "the query");
    return {
      apiVersion: API_VERSION,
      kind: "Deleted",
      ...(await this.things.deleteSet(parseName(name), contextOf(request), options)),
    };
  }
}

function createRequest(body: unknown, query: unknown): { set: SetSpec; options: CommandOptions } {
  if (!(body instanceof EntryLines)) {
    parse(NoQuery, query, "the query");
    return parseBody(AddSetRequest, body, "the set");
  }
  const { name, comment, ...options } = parse(NewSetQuery, query, "the query");
  return { set: { name, ...(comment === undefined ? {} : { comment }), entries: body.entries }, options };
}

function changeRequest(body: unknown, query: unknown): { change: { add: string[]; remove: string[] }; options: CommandOptions } {
  if (!(body instanceof EntryLines)) {
    parse(NoQuery, query, "the query");
    return parseBody(ChangeSetRequest, body, "the change");
  }
  return { change: { add: body.entries, remove: [] }, options: parse(ClearQuery, query, "the query") };
}

function replaceRequest(body: unknown, query: unknown): Entries {
  if (body instanceof EntryLines) return { entries: body.entries, options: parse(ClearQuery, query, "the query") };
  parse(NoQuery, query, "the query");
  const { contents, options } = parseBody(ReplaceSetRequest, body, "the contents");
  return { entries: contents.entries, options };
}
