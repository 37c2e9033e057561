import { routes, type Alert, type ForwardList, type RuleList, type StatsSnapshot, type SystemStatus } from "@secuxflow/contracts";
import { alertEvents } from "../alert-events.js";
import type { System } from "../system.js";
import { changes, trafficLine, type Look } from "./changes.js";

const LOOK_MS = 500;
const TRAFFIC_MS = 5_000;

/** Prints what happens in a system until the signal aborts: alerts, rules, states, and traffic every five seconds. */
export async function watch(system: System, print: (line: string) => void, signal: AbortSignal): Promise<void> {
  await Promise.all([watchAlerts(system, print, signal), watchChanges(system, print, signal)]);
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  const timer = setTimeout(done, ms);
  function done(): void {
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
    resolve();
  }
  signal.addEventListener("abort", done, { once: true });
});

async function watchChanges(system: System, print: (line: string) => void, signal: AbortSignal): Promise<void> {
  const look = async (): Promise<Look> => {
    const [rules, forwards, status] = await Promise.all([system.get<RuleList>(routes.rules), system.get<ForwardList>(routes.forwards), system.get<SystemStatus>(routes.status)]);
    return { rules: rules.items, total: rules.total ?? rules.items.length, forwards: forwards.items, status };
  };
  let before: Look | undefined;
  let counted: StatsSnapshot | undefined;
  let nextTraffic = 0;
  let away = false;
  while (!signal.aborted) {
    try {
      const now = await look();
      if (signal.aborted) return; // what ends on purpose is no news
      if (before) for (const line of changes(before, now)) print(line);
      before = now;
      if (performance.now() >= nextTraffic) {
        const stats = await system.get<StatsSnapshot>(routes.stats);
        const line = counted && trafficLine(counted, stats);
        if (line !== undefined) print(line);
        counted = stats;
        nextTraffic = performance.now() + TRAFFIC_MS;
      }
      away = false;
    } catch (error) {
      if (!away && !signal.aborted) print(`the rule API does not answer: ${error instanceof Error ? error.message : String(error)}`);
      away = true;
    }
    await pause(LOOK_MS, signal);
  }
}

async function watchAlerts(system: System, print: (line: string) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const alert of alertEvents(system.apiUrl, signal)) print(alertLine(alert));
    } catch (error) {
      if (signal.aborted) return;
      print(`alerts cannot be watched: ${error instanceof Error ? error.message : String(error)}; trying again`);
    }
    await pause(1_000, signal);
  }
}

/** Attackers choose what stands in a summary: nothing but printable characters reaches the terminal. */
function alertLine(alert: Alert): string {
  const summary = alert.summary.replaceAll(/[^\x20-\x7e]/g, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`).slice(0, 120);
  return `ALERT ${alert.id} [${alert.module}] severity ${alert.severity}: ${alert.flow.src} → ${alert.flow.dst}:${alert.flow.dport} ${alert.rule.name}: ${summary}  (secuxflow-cli alert show ${alert.id})`;
}
