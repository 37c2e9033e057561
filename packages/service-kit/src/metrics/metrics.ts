import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What every metric has. Labels must take few values: never an address, a rule's text or a payload. */
export interface MetricOptions<L extends string> {
  /** without the prefix `secuxflow_`; the unit at its end (`_seconds`, `_bytes`, `_total`) */
  name: string;
  help: string;
  labels?: readonly L[];
}

const PREFIX = "secuxflow_";

/** The Prometheus metrics of one service: Node's own and the ones that the service defines. */
export class Metrics {
  readonly registry = new Registry();

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry });
  }

  /**
   * A number that only grows; its name ends in `_total`.
   * @param collect called before each scrape, for values that live elsewhere
   * @throws Error when the name is taken
   */
  counter<L extends string = never>(options: MetricOptions<L>, collect?: (counter: Counter<L>) => void | Promise<void>): Counter<L> {
    const counter: Counter<L> = new Counter<L>({ ...this.#common(options), ...(collect && { collect: () => collect(counter) }) });
    return counter;
  }

  /** A number that goes up and down. */
  gauge<L extends string = never>(options: MetricOptions<L>, collect?: (gauge: Gauge<L>) => void | Promise<void>): Gauge<L> {
    const gauge: Gauge<L> = new Gauge<L>({ ...this.#common(options), ...(collect && { collect: () => collect(gauge) }) });
    return gauge;
  }

  /** A distribution. Default buckets: 0.5 ms to 10 s, in seconds. */
  histogram<L extends string = never>(options: MetricOptions<L> & { buckets?: number[] }): Histogram<L> {
    const buckets = options.buckets ?? [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    return new Histogram<L>({ ...this.#common(options), buckets });
  }

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    return this.registry.metrics();
  }

  #common<L extends string>({ name, help, labels = [] }: MetricOptions<L>) {
    return { name: name.startsWith(PREFIX) ? name : PREFIX + name, help, labelNames: labels, registers: [this.registry] };
  }
}
