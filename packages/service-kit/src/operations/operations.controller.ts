import { Controller, Get, Inject, Res } from "@nestjs/common";
import { HealthRegistry, type HealthReport } from "../health/registry.js";
import { Metrics } from "../metrics/metrics.js";
import { SERVICE_INFO, type ServiceInfo } from "../service/tokens.js";

/** The little of Fastify's reply that is needed here. */
interface Reply {
  status: (code: number) => unknown;
  header: (name: string, value: string) => unknown;
}

/** What operators, orchestrators and Prometheus ask a service. */
@Controller()
export class OperationsController {
  constructor(
    @Inject(SERVICE_INFO) private readonly info: ServiceInfo,
    @Inject(HealthRegistry) private readonly health: HealthRegistry,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  /** Answers as long as the event loop turns: whoever gets no answer may restart the process. */
  @Get("health/live")
  live(): ServiceInfo & { status: "ok"; uptimeSeconds: number } {
    return { status: "ok", ...this.info, uptimeSeconds: Math.round(process.uptime()) };
  }

  /** 200 when work can be given to this instance (degraded counts), 503 when not. */
  @Get("health/ready")
  async ready(@Res({ passthrough: true }) reply: Reply): Promise<ServiceInfo & HealthReport> {
    const report = await this.health.report();
    reply.header("cache-control", "no-store");
    reply.status(report.ready ? 200 : 503);
    return { ...this.info, ...report };
  }

  @Get("metrics")
  async prometheus(@Res({ passthrough: true }) reply: Reply): Promise<string> {
    reply.header("content-type", this.metrics.registry.contentType);
    return this.metrics.text();
  }
}
