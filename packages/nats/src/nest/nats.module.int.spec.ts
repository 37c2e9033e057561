import "reflect-metadata";
import { Inject, Injectable, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { needs } from "@secuxflow/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectNats, NatsLink } from "../connection/link.js";
import { Stage } from "../testing/support.js";
import { NATS_LINK, natsHealth, NatsModule } from "./nats.module.js";

@Injectable()
class Consumer {
  constructor(@Inject(NATS_LINK) readonly link: NatsLink) {}
}

@Module({ providers: [Consumer], exports: [Consumer] })
class FeatureModule {}

needs(describe, "nats")("NatsModule", () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await Stage.open({ provisioned: false });
  });
  afterEach(() => stage.close());

  for (const given of ["options", "a link"]) {
    it(`gives every module the link made from ${given}, tells its health, and drains it at the end`, async () => {
      const options = { urls: stage.server.url, name: "nest", reconnectWaitMs: 50 };
      @Module({ imports: [NatsModule.forRoot(given === "options" ? options : connectNats(options)), FeatureModule] })
      class AppModule {}
      const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
      const { link } = app.get(Consumer);
      expect(link).toBeInstanceOf(NatsLink);
      await link.connected();
      const health = natsHealth(link);
      expect([health.name, health.check().state]).toEqual(["nats", "ok"]);
      await app.close();
      expect(link.state()).toBe("closed");
      expect(health.check()).toEqual({ state: "degraded", detail: "closed" });
    });
  }
});
