import { routes, type Alert } from "@secuxflow/contracts";
import type { Context } from "../context.js";
import { ApiProblem, ApiUnreachable, CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { shapeFault } from "../http/shape.js";
import { API_VERSION, SHAPES } from "../http/shapes.generated.js";
import { SseTooLong } from "../http/sse.js";
import { printOfMany } from "../output/format.js";
import { alertLine } from "./alert-view.js";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** How far back is looked beyond the gap itself: clocks differ, and storing takes a moment. */
const OVERLAP_MS = 5_000;
const MOST_MISSED = 1_000;
const MOST_REMEMBERED = 10_000;

const parse = (data: string): Alert | undefined => {
  try {
    const value: unknown = JSON.parse(data);
    return shapeFault(SHAPES.AlertEvent, value) === undefined ? (value as Alert) : undefined;
  } catch {
    return undefined;
  }
};

/** What makes a showing of an alert a new one. */
const versionOf = ({ count, state, lastSeen }: Alert): string => `${count} ${state} ${lastSeen}`;

/** Shows alerts as they come, connecting again when the stream ends; what was stored meanwhile is fetched. Ends by Ctrl-C. */
export async function watchAlerts(context: Context, maxSeverity: number): Promise<ExitCode> {
  const { env, api, out, err, format } = context;
  const shown = new Map<number, string>();
  const print = async (alert: Alert): Promise<void> => {
    if (alert.severity > maxSeverity || shown.get(alert.id) === versionOf(alert)) return;
    shown.delete(alert.id);
    shown.set(alert.id, versionOf(alert));
    const [oldest] = shown.keys();
    if (shown.size > MOST_REMEMBERED && oldest !== undefined) shown.delete(oldest);
    if (format === "table") out.line(...alertLine(alert));
    else await printOfMany(out, format, { apiVersion: API_VERSION, kind: "AlertEvent", alert });
  };

  let lostAt: number | undefined;
  let connectedOnce = false;
  let pause = FIRST_PAUSE_MS;
  while (!env.signal.aborted) {
    try {
      for await (const { type, data } of api.events(routes.alertsWatch)) {
        if (type === "open") {
          connectedOnce = true;
          pause = FIRST_PAUSE_MS;
          err.line(lostAt === undefined ? `watching ${api.url}; Ctrl-C ends` : "connected again");
          if (lostAt !== undefined) for (const alert of await missed(context, env.now() - lostAt)) await print(alert);
          lostAt = undefined;
        }
        const alert = type === "alert" ? parse(data) : undefined;
        if (alert) await print(alert);
        else if (type === "alert") err.line("an event of the stream was no alert, and is left out");
      }
      if (env.signal.aborted) break;
      err.line("the stream ended; connecting again");
    } catch (error) {
      if (env.signal.aborted) break;
      const passing =
        error instanceof ApiUnreachable || error instanceof SseTooLong || (error instanceof ApiProblem && error.status >= 500);
      if (!passing || !connectedOnce) throw error;
      if (lostAt === undefined) err.line(`${error.message}; connecting again`);
    }
    lostAt ??= env.now();
    await env.sleep(pause, env.signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  return EXIT.done;
}

/** Alerts last seen since the connection was lost, oldest first. */
async function missed({ api, err }: Context, gapMs: number): Promise<Alert[]> {
  try {
    const query = { sinceMs: Math.max(1, Math.ceil(gapMs)) + OVERLAP_MS, limit: MOST_MISSED };
    const { items, total } = await api.call("AlertList", { path: routes.alerts, query, extraMs: 3_000 });
    if (total > items.length) err.line(`${total - items.length} more were stored meanwhile: secuxflow-cli alert list`);
    return [...items].reverse();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    err.line(`what was stored meanwhile cannot be told: ${error.message}; look at secuxflow-cli alert list`);
    return [];
  }
}
