// The ips module: Suricata rules over packets, streams and transactions. The engine is wasm/engine/detect; rules/ has the rules
// that it brings along.
export {
  configure, flush, input, inspect, load, output, rules, secuxflow_abi_1, tick,
} from "../../../engine/detect/ips-entry";
