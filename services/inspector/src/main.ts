import "reflect-metadata";
import { runService } from "@secuxflow/service-kit";
import { inspector } from "./service.js";

await runService(inspector());
