import "reflect-metadata";
import { runService } from "@secuxflow/service-kit";
import { xdpAgent } from "./service.js";

await runService(xdpAgent());
