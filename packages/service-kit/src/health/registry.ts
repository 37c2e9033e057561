export type HealthStatus = "ok" | "degraded" | "down";

/** What a check found. `detail` is for people: what is wrong and since when, not a stack. */
export interface HealthResult {
  status: HealthStatus;
  detail?: string;
}

/** Asks one dependency or part of the service how it is. Throwing means down. */
export type HealthCheck = () => HealthResult | Promise<HealthResult>;

export interface CheckOptions {
  /** false: when this is down the service still does its work, so it counts as degraded; default true */
  critical?: boolean;
  /** a check that takes longer counts as down; default 2000 */
  timeoutMs?: number;
}

/** Where the service stands: only a ready one takes work. */
export type ServicePhase = "starting" | "ready" | "stopping";

export interface HealthReport {
  status: HealthStatus;
  ready: boolean;
  phase: ServicePhase;
  checks: Record<string, HealthResult & { critical: boolean }>;
}

/** A part of the service that says by itself how it is, instead of being asked. */
export interface HealthReporter {
  ok: (detail?: string) => void;
  degraded: (detail: string) => void;
  down: (detail: string) => void;
}

interface Registered {
  check: HealthCheck;
  critical: boolean;
  timeoutMs: number;
  running?: Promise<HealthResult>;
}

const MAX_CHECKS = 64;
const RANK: Record<HealthStatus, number> = { ok: 0, degraded: 1, down: 2 };

/** The named health checks of a service. */
export class HealthRegistry {
  phase: ServicePhase = "starting";
  readonly #checks = new Map<string, Registered>();

  /** @param redact takes secrets out of details, which often are messages of errors */
  constructor(private readonly redact: (text: string) => string = (text) => text) {}

  /**
   * Adds a check that is asked whenever somebody reads the health.
   * @returns a function that removes it
   * @throws Error when the name is taken or there are 64 checks already
   */
  register(name: string, check: HealthCheck, options: CheckOptions = {}): () => void {
    if (this.#checks.has(name)) throw new Error(`health check "${name}" is registered already: choose another name`);
    if (this.#checks.size >= MAX_CHECKS) throw new Error(`no more than ${MAX_CHECKS} health checks: "${name}" is one too many`);
    this.#checks.set(name, { check, critical: options.critical ?? true, timeoutMs: options.timeoutMs ?? 2_000 });
    return () => void this.#checks.delete(name);
  }

  /** Adds a check whose answer is set by the part itself; until it does it stands at `down: starting`. */
  reporter(name: string, options: CheckOptions = {}): HealthReporter {
    let current: HealthResult = { status: "down", detail: "starting" };
    this.register(name, () => current, options);
    return {
      ok: (detail) => (current = { status: "ok", ...(detail !== undefined && { detail }) }),
      degraded: (detail) => (current = { status: "degraded", detail }),
      down: (detail) => (current = { status: "down", detail }),
    };
  }

  /** Runs every check (each once, however many ask at the same time) and sums up. Never throws. */
  async report(): Promise<HealthReport> {
    const entries = await Promise.all(
      [...this.#checks].map(async ([name, registered]) => [name, { ...(await this.#run(registered)), critical: registered.critical }] as const),
    );
    let status: HealthStatus = "ok";
    for (const [, result] of entries) {
      const counted = result.status === "down" && !result.critical ? "degraded" : result.status;
      if (RANK[counted] > RANK[status]) status = counted;
    }
    return { status, ready: this.phase === "ready" && status !== "down", phase: this.phase, checks: Object.fromEntries(entries) };
  }

  async #run(registered: Registered): Promise<HealthResult> {
    registered.running ??= this.#ask(registered).finally(() => delete registered.running);
    return registered.running;
  }

  async #ask({ check, timeoutMs }: Registered): Promise<HealthResult> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<HealthResult>((resolve) => {
      timer = setTimeout(() => resolve({ status: "down", detail: `no answer within ${timeoutMs} ms` }), timeoutMs);
    });
    try {
      const result = await Promise.race([(async () => check())(), late]);
      return { status: result.status, ...(result.detail !== undefined && { detail: this.redact(result.detail) }) };
    } catch (error) {
      return { status: "down", detail: this.redact(error instanceof Error ? error.message : String(error)) };
    } finally {
      clearTimeout(timer);
    }
  }
}
