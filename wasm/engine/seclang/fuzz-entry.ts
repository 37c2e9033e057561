// The waf module as the fuzzer drives it: all flows end when it says so.
import { memoryTaken } from "../core/memory";
import { finishFindings, resetFindings } from "../detect/report";
import { setMoment } from "./session";
import { flowEndAll } from "../flow/table";
import { defragClear } from "../ip/defrag";

export * from "./waf-entry";
export { defragClear, memoryTaken };

/** As the ips module ends its flows. */
export function flush(): i32 {
  resetFindings();
  setMoment(0, 0);
  flowEndAll(1000000);
  return finishFindings(1, false);
}
