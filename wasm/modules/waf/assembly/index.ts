// The waf module: SecLang rules over HTTP requests and responses. The engine is wasm/engine/seclang; rules/ has the rules that
// it brings along.
export {
  configure, counters, input, inspect, load, output, rules, secuxflow_abi_1, tick,
} from "../../../engine/seclang/waf-entry";
