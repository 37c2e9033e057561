import { Controller, Get, Inject, Query } from "@nestjs/common";
import type { AgentList, ModuleList, StatsSnapshot, SystemStatus, TopTalkers } from "@secuxflow/contracts";
import { parse, TopQuery } from "../../http/validation.js";
import { Stats } from "../../telemetry/application/stats.js";
import { System } from "../application/status.js";

@Controller("v1")
export class SystemController {
  constructor(
    @Inject(System) private readonly system: System,
    @Inject(Stats) private readonly counters: Stats,
  ) {}

  @Get("modules")
  modules(): ModuleList {
    return this.system.modules();
  }

  @Get("agents")
  agents(): AgentList {
    return this.system.agents();
  }

  @Get("status")
  async status(): Promise<SystemStatus> {
    return this.system.status();
  }

  @Get("status/top")
  top(@Query() query: unknown): TopTalkers {
    return this.system.top(parse(TopQuery, query, "the query").limit);
  }

  @Get("stats")
  stats(): StatsSnapshot {
    return this.counters.snapshot();
  }
}
