/** A signal that aborts when the time is over, when its parent aborts, or when `end` is called, whichever comes first. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Aborts the signal and lets go of timer and parent; call it always. */
  end(): void;
}

/** @param ms the time; unlike AbortSignal.any, nothing is left behind on a parent that lives long */
export function timeLimit(ms: number, parent?: AbortSignal): TimeLimit {
  const controller = new AbortController();
  const end = (): void => {
    clearTimeout(timer);
    parent?.removeEventListener("abort", end);
    controller.abort();
  };
  const timer = setTimeout(end, ms);
  parent?.addEventListener("abort", end, { once: true });
  if (parent?.aborted === true) end();
  return { signal: controller.signal, end };
}
