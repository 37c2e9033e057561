import { routes, type Alert } from "@secuxflow/contracts";

export interface SeenAlert {
  readonly alert: Alert;
  /** When it arrived: milliseconds since 1970, with a fraction. */
  readonly atMs: number;
}

/** The rule API's stream of stored alerts, with the time of arrival of each. */
export class AlertStream {
  #waiting: { readonly wanted: (alert: Alert) => boolean; readonly resolve: (seen: SeenAlert) => void } | undefined;

  private constructor(private readonly stopped: AbortController) {}

  static async open(apiUrl: string): Promise<AlertStream> {
    const stopped = new AbortController();
    const response = await fetch(apiUrl + routes.alertsWatch, { signal: stopped.signal });
    if (!response.ok || !response.body) throw new Error(`alerts cannot be watched: ${response.status}`);
    const stream = new AlertStream(stopped);
    void stream.#read(response.body).catch((error: unknown) => {
      if (!stopped.signal.aborted) throw error;
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

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of body) {
      const atMs = performance.timeOrigin + performance.now();
      const blocks = (text + decoder.decode(chunk, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data === undefined) continue;
        const alert = JSON.parse(data) as Alert;
        const waiting = this.#waiting;
        if (!waiting?.wanted(alert)) continue;
        this.#waiting = undefined;
        waiting.resolve({ alert, atMs });
      }
    }
  }
}
