import { Inject, Module, type DynamicModule, type OnApplicationBootstrap } from "@nestjs/common";
import { connectNats, NATS_LINK, natsOptions, NatsModule, type NatsLink } from "@secuxflow/nats";
import type { ServiceDefinition, ServiceKit } from "@secuxflow/service-kit";
import { AlertingService } from "./alerting.service.js";
import { AlertingConfig } from "./config.js";
import type { Database } from "./storage/domain/database.js";

/** The alerting service as a Nest module. */
@Module({})
export class AlertingModule implements OnApplicationBootstrap {
  constructor(@Inject(AlertingService) private readonly alerting: AlertingService) {}

  static register(kit: ServiceKit<AlertingConfig>, open?: () => Database): DynamicModule {
    const link = connectNats({ ...natsOptions(kit.config.nats), name: `${kit.info.name} ${kit.info.instance}`, log: kit.logger });
    return {
      module: AlertingModule,
      imports: [NatsModule.forRoot(link)],
      providers: [
        { provide: AlertingService, inject: [NATS_LINK], useFactory: (nats: NatsLink) => new AlertingService(kit, nats, open) },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.alerting.start();
  }
}

/** What `runService` and tests start. @param open another way to ClickHouse than the configured one */
export const alertingDefinition = (open?: () => Database): ServiceDefinition<AlertingConfig> => ({
  name: "alerting",
  version: "0.1.0",
  description: "stores detections in ClickHouse, groups them into alerts, and suggests the rule that answers one",
  schema: AlertingConfig,
  module: (kit) => AlertingModule.register(kit, open),
});
