import "reflect-metadata";
import { runService } from "@secuxflow/service-kit";
import { alertingDefinition } from "./alerting.module.js";

await runService(alertingDefinition());
