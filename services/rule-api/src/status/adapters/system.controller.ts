import { Controller, Get, Inject } from "@nestjs/common";
import type { AgentList, ModuleList, StatsSnapshot, SystemStatus } from "@secuxflow/contracts";
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

  @Get("stats")
  stats(): StatsSnapshot {
    return this.counters.snapshot();
  }
}
