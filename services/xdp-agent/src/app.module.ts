import { Module } from "@nestjs/common";

/** The agent has no HTTP API: what it does is put together in parts.ts, health and metrics come from the service kit. */
@Module({})
export class XdpAgentModule {}
