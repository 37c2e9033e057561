import "reflect-metadata";
import { runService } from "@secuxflow/service-kit";
import { ruleApi } from "./service.js";

await runService(ruleApi());
