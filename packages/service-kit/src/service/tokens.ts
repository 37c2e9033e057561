/** Injection tokens of what a service gets from the kit. Classes (HealthRegistry, Metrics, ShutdownSequence) are their own tokens. */
export const SERVICE_CONFIG = Symbol("secuxflow.config");
export const SERVICE_LOGGER = Symbol("secuxflow.logger");
export const SERVICE_INFO = Symbol("secuxflow.info");

/** Who this process is. */
export interface ServiceInfo {
  /** such as `rule-api` */
  name: string;
  /** one running process; letters, digits, `-` and `_` */
  instance: string;
  version: string;
}
