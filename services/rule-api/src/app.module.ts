import { Module, type DynamicModule } from "@nestjs/common";
import { AlertsController } from "./alerts/adapters/alerts.controller.js";
import { AlertFeed } from "./alerts/application/alert-feed.js";
import { ApproveAlert } from "./alerts/application/approve.js";
import { ModulesController } from "./modules/adapters/modules.controller.js";
import { ModuleCommands } from "./modules/application/module-commands.js";
import type { Parts } from "./parts.js";
import { ForwardsController } from "./policy/adapters/forwards.controller.js";
import { ProtectionController } from "./policy/adapters/protection.controller.js";
import { RulesController } from "./policy/adapters/rules.controller.js";
import { ServicesController } from "./policy/adapters/services.controller.js";
import { SetsController } from "./policy/adapters/sets.controller.js";
import { NamedThings } from "./policy/application/named-things.js";
import { PolicyService } from "./policy/application/policy-service.js";
import { PolicyQueries } from "./policy/application/queries.js";
import { SystemController } from "./status/adapters/system.controller.js";
import { System } from "./status/application/status.js";
import { Stats } from "./telemetry/application/stats.js";
import { ALERTING } from "./tokens.js";

/** The controllers, and what they use. */
@Module({})
export class RuleApiModule {
  static of(parts: Pick<Parts, "service" | "things" | "modules" | "queries" | "system" | "stats" | "alerting" | "approval" | "feed">): DynamicModule {
    return {
      module: RuleApiModule,
      controllers: [
        RulesController,
        ForwardsController,
        SetsController,
        ServicesController,
        ProtectionController,
        ModulesController,
        SystemController,
        AlertsController,
      ],
      providers: [
        { provide: PolicyService, useValue: parts.service },
        { provide: NamedThings, useValue: parts.things },
        { provide: ModuleCommands, useValue: parts.modules },
        { provide: PolicyQueries, useValue: parts.queries },
        { provide: System, useValue: parts.system },
        { provide: Stats, useValue: parts.stats },
        { provide: ALERTING, useValue: parts.alerting },
        { provide: ApproveAlert, useValue: parts.approval },
        { provide: AlertFeed, useValue: parts.feed },
      ],
    };
  }
}
