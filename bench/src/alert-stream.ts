import { type Alert } from "@secuxflow/contracts";
import { alertEvents } from "@secuxflow/lab";

export interface SeenAlert {
  readonly alert: Alert;
  /** When it arrived: milliseconds since 1970, with a fraction. */
  readonly atMs: number;
}

/** The rule API's stream of stored alerts, with the time of arrival of each. */
export class AlertStream {
  #waiting: { readonly wanted: (alert: Alert) => boolean; readonly resolve: (seen: SeenAlert) => void } | undefined;

  private constructor(private readonly stopped: AbortController) {}

  /** Resolves when the API tells of alerts from then on. */
  static async open(apiUrl: string): Promise<AlertStream> {
    const stream = new AlertStream(new AbortController());
    let open = false;
    await new Promise<void>((resolve, reject) => {
      stream.#read(apiUrl, () => { open = true; resolve(); }).catch((error: unknown) => {
        if (stream.stopped.signal.aborted) return;
        if (open) throw error; // nobody waits any more: the run ends with it
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
    return stream;
  }

  /** The next alert from now on that is wanted. One caller at a time. Rejects after the deadline. */
  next(wanted: (alert: Alert) => boolean, deadlineMs: number): Promise<SeenAlert> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error(`no alert within ${deadlineMs} ms`)); }, deadlineMs);
      this.#waiting = { wanted, resolve: (seen) => { clearTimeout(timer); resolve(seen); } };
    });
  }

  close(): void {
    this.stopped.abort();
  }

  async #read(apiUrl: string, onOpen: () => void): Promise<void> {
    for await (const alert of alertEvents(apiUrl, this.stopped.signal, onOpen)) {
      const atMs = performance.timeOrigin + performance.now();
      const waiting = this.#waiting;
      if (!waiting?.wanted(alert)) continue;
      this.#waiting = undefined;
      waiting.resolve({ alert, atMs });
    }
  }
}
