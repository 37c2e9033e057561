// The ips module as the fuzzer drives it: with a look at memory.
import { memoryTaken } from "../core/memory";
import { defragClear } from "../ip/defrag";

export * from "./ips-entry";
export { defragClear, memoryTaken };
