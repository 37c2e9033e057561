import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from "@nestjs/common";
import {
  AlertQuery, API_VERSION, ApproveRequest, DetectionQuery, TriageRequest,
  type AlertApproved, type AlertList, type AlertShown, type DetectionList, type SuggestionShown,
} from "@secuxflow/contracts";
import { z } from "zod";
import { contextOf } from "../../http/context.js";
import type { ApiReply, ApiRequest } from "../../http/request.js";
import { numberParameter, parse, parseBody, parseId } from "../../http/validation.js";
import { ALERTING } from "../../tokens.js";
import { AlertFeed } from "../application/alert-feed.js";
import type { Alerting } from "../application/alerting.js";
import { ApproveAlert } from "../application/approve.js";
import { streamTo, type StreamReply } from "./event-stream.js";

const { limit, sinceMs, maxSeverity } = AlertQuery.shape;
/** AlertQuery as query parameters: numbers arrive as text. */
const ListQuery = z.strictObject({
  ...AlertQuery.shape,
  limit: numberParameter(limit), sinceMs: numberParameter(sinceMs), maxSeverity: numberParameter(maxSeverity),
});

const part = DetectionQuery.shape;
const PartQuery = z.strictObject({
  after: numberParameter(part.after), sinceMs: numberParameter(part.sinceMs), alertId: numberParameter(part.alertId),
  limit: numberParameter(part.limit),
});

@Controller("v1/alerts")
export class AlertsController {
  constructor(
    @Inject(ALERTING) private readonly alerting: Alerting,
    @Inject(ApproveAlert) private readonly approval: ApproveAlert,
    @Inject(AlertFeed) private readonly feed: AlertFeed,
  ) {}

  @Get()
  async list(@Query() query: unknown): Promise<AlertList> {
    return { apiVersion: API_VERSION, kind: "AlertList", ...(await this.alerting.list(parse(ListQuery, query, "the query"))) };
  }

  @Get("watch")
  watch(@Res() reply: ApiReply & StreamReply): void {
    streamTo(this.feed, reply);
  }

  @Get("detections")
  async detections(@Query() query: unknown): Promise<DetectionList> {
    return { apiVersion: API_VERSION, kind: "DetectionList", ...(await this.alerting.detections(parse(PartQuery, query, "the query"))) };
  }

  @Get(":id")
  async show(@Param("id") id: string): Promise<AlertShown> {
    return { apiVersion: API_VERSION, kind: "Alert", ...(await this.alerting.show(parseId(id))) };
  }

  @Get(":id/suggestion")
  async suggest(@Param("id") id: string): Promise<SuggestionShown> {
    return { apiVersion: API_VERSION, kind: "Suggestion", ...(await this.alerting.suggest(parseId(id))) };
  }

  @Post(":id/approve")
  @HttpCode(201)
  async approve(@Param("id") id: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<AlertApproved> {
    return this.approval.approve(parseId(id), parseBody(ApproveRequest, body, "the approval"), contextOf(request));
  }

  @Post(":id/triage")
  @HttpCode(200)
  async triage(@Param("id") id: string, @Body() body: unknown, @Req() request: ApiRequest): Promise<AlertShown> {
    const { state, note } = parseBody(TriageRequest, body, "the triage");
    const alertId = parseId(id);
    await this.alerting.triage({ id: alertId, state, actor: contextOf(request).actor, ...(note === undefined ? {} : { note }) });
    return { apiVersion: API_VERSION, kind: "Alert", ...(await this.alerting.show(alertId)) };
  }
}
