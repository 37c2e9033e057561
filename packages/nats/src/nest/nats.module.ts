import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from "@nestjs/common";
import { connectNats, NatsLink } from "../connection/link.js";
import type { ConnectNatsOptions } from "../connection/options.js";

/** Injection token of the `NatsLink`. */
export const NATS_LINK = Symbol("NATS_LINK");

/** What the link contributes to a service's health. */
export interface NatsHealth {
  readonly name: string;
  check(): { readonly state: "ok" | "degraded"; readonly detail: string };
}

/** Without NATS a service goes on with what it knows: degraded, not down. */
export function natsHealth(link: NatsLink): NatsHealth {
  return {
    name: "nats",
    check: () => {
      const { state, detail } = link.status();
      return {
        state: state === "connected" ? "ok" : "degraded",
        detail: state === "connected" ? `connected to ${detail}` : detail,
      };
    },
  };
}

/** Provides the service's NatsLink under `NATS_LINK`, for all modules, and drains it when the application stops. */
@Module({})
export class NatsModule implements OnApplicationShutdown {
  constructor(@Inject(NATS_LINK) private readonly link: NatsLink) {}

  /** @param link options to connect with, or a link that is there already (it is drained all the same) */
  static forRoot(link: ConnectNatsOptions | NatsLink): DynamicModule {
    return {
      module: NatsModule,
      global: true,
      providers: [{ provide: NATS_LINK, useFactory: () => (link instanceof NatsLink ? link : connectNats(link)) }],
      exports: [NATS_LINK],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.link.drain();
  }
}
