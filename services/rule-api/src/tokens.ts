/** Injection tokens of the parts that parts.ts puts together. Classes are their own tokens. */
export const ALERTING = Symbol("secuxflow.rule-api.alerting");
