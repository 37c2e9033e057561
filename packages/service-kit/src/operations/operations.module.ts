import { Module, type DynamicModule } from "@nestjs/common";
import { HealthRegistry } from "../health/registry.js";
import { Metrics } from "../metrics/metrics.js";
import { SERVICE_INFO, type ServiceInfo } from "../service/tokens.js";
import { OperationsController } from "./operations.controller.js";

/**
 * `/health/live`, `/health/ready` and `/metrics`. It is the root of a small Nest application of its own, which starts
 * before the service and ends after it: health can be read while a service starts, drains or hangs.
 */
@Module({})
export class OperationsModule {
  static forRoot(parts: { info: ServiceInfo; health: HealthRegistry; metrics: Metrics }): DynamicModule {
    return {
      module: OperationsModule,
      controllers: [OperationsController],
      providers: [
        { provide: SERVICE_INFO, useValue: parts.info },
        { provide: HealthRegistry, useValue: parts.health },
        { provide: Metrics, useValue: parts.metrics },
      ],
    };
  }
}
