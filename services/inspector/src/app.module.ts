import { Module } from "@nestjs/common";

/** The inspector has no HTTP API of its own: health and metrics are the kit's, everything else is on NATS (parts.ts). */
@Module({})
export class InspectorModule {}
