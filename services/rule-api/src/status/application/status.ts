import {
  API_VERSION,
  type AgentList,
  type AgentStatus,
  type AlertingStatus,
  type ComponentState,
  type InspectorStatus,
  type ModuleList,
  type SystemStatus,
  type TopTalkers,
} from "@secuxflow/contracts";
import type { z } from "zod";
import type { Alerting } from "../../alerts/application/alerting.js";
import { moduleItems } from "../../modules/application/module-views.js";
import type { ModuleRegistrar } from "../../modules/application/module-registrar.js";
import type { PolicyReader } from "../../policy/application/policy-reader.js";
import type { PolicyService } from "../../policy/application/policy-service.js";
import type { Clock } from "../../clock.js";
import type { LiveRegistry } from "../../telemetry/application/live-registry.js";
import { topTalkers } from "../../telemetry/application/top.js";

type State = z.infer<typeof ComponentState>;
type Component = SystemStatus["components"][number];

const ALERTING_WAIT_MS = 1_500;
const WORSE: Record<State, number> = { ok: 0, degraded: 1, down: 2 };
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

export interface SystemParts {
  readonly policy: string;
  readonly reader: PolicyReader;
  readonly service: Pick<PolicyService, "view">;
  readonly agents: LiveRegistry<AgentStatus>;
  readonly inspectors: LiveRegistry<InspectorStatus>;
  readonly registrar: Pick<ModuleRegistrar, "problems">;
  readonly alerting: Alerting;
  readonly clock: Clock;
  readonly nats: () => { readonly connected: boolean; readonly detail: string };
  /** Trouble with the streams, in words. */
  readonly provisioning: () => string | undefined;
}

/** What is known of the whole system: agents, inspectors, modules, and how each component is. Answers with NATS away too. */
export class System {
  constructor(private readonly parts: SystemParts) {}

  agents(): AgentList {
    const revision = this.parts.reader.view?.revision ?? 0;
    const items = this.parts.agents.all().map(({ status, live }) => ({
      ...status,
      live,
      behind: status.policy === this.parts.policy ? Math.max(0, revision - status.revision) : 0,
    }));
    return { apiVersion: API_VERSION, kind: "AgentList", revision, items };
  }

  /** @throws ProblemError nats_unavailable before the policy was read */
  modules(): ModuleList {
    const { state } = this.parts.service.view();
    const items = moduleItems(state, this.parts.inspectors.live().map(({ status }) => status));
    return { apiVersion: API_VERSION, kind: "ModuleList", items };
  }

  /** The sources that sent most, over the live agents of this policy. */
  top(limit: number): TopTalkers {
    const agents = this.parts.agents
      .live()
      .map(({ status }) => status)
      .filter(({ policy }) => policy === this.parts.policy);
    return topTalkers(agents, limit, this.parts.clock.now().toISOString());
  }

  async status(): Promise<SystemStatus> {
    const alerting = await this.#alerting();
    const { view } = this.parts.reader;
    const components = [this.#nats(), this.#policy(), this.#agents(), this.#inspectors(), alerting.component];
    return {
      apiVersion: API_VERSION,
      kind: "Status",
      policy: this.parts.policy,
      revision: view?.revision ?? 0,
      state: components.reduce<State>((worst, { state }) => (WORSE[state] > WORSE[worst] ? state : worst), "ok"),
      components,
      rules: view?.state.rules.size ?? 0,
      forwards: view?.state.forwards.size ?? 0,
      sets: view?.state.sets.size ?? 0,
      services: view?.state.services.size ?? 0,
      agents: this.agents().items,
      inspectors: this.parts.inspectors.all().map(({ status, live }) => ({ ...status, live })),
      ...(alerting.status ? { alerting: alerting.status } : {}),
    };
  }

  #nats(): Component {
    const { connected, detail } = this.parts.nats();
    const trouble = this.parts.provisioning();
    if (!connected) return { name: "nats", state: "down", detail };
    return { name: "nats", state: trouble === undefined ? "ok" : "degraded", detail: trouble ?? detail };
  }

  #policy(): Component {
    const { view, problem } = this.parts.reader;
    if (problem !== undefined)
      return {
        name: "policy",
        state: "degraded",
        detail: `the last good policy is shown and nothing can be changed: ${problem}`,
      };
    if (!view) return { name: "policy", state: "down", detail: "not read yet" };
    const refused = this.parts.registrar.problems;
    if (refused.length > 0) return { name: "policy", state: "degraded", detail: refused.join("; ") };
    return { name: "policy", state: "ok", detail: `revision ${view.revision}` };
  }

  #agents(): Component {
    const all = this.parts.agents.all().filter(({ status }) => status.policy === this.parts.policy);
    const live = all.filter((known) => known.live);
    const silent = all.filter((known) => !known.live).map(({ id }) => id);
    if (live.length === 0)
      return {
        name: "agents",
        state: "down",
        detail: silent.length === 0 ? "none is live: nothing is filtered anew" : `not heard from: ${silent.join(", ")}`,
      };
    const behind = live.filter(({ status }) => status.revision < (this.parts.reader.view?.revision ?? 0)).map(({ id }) => id);
    const troubled = live
      .filter(({ status }) => status.state !== "ok")
      .map(({ id, status }) => `${id}: ${status.problems.join(", ") || "degraded"}`);
    const remarks = [
      ...(silent.length === 0 ? [] : [`not heard from: ${silent.join(", ")}`]),
      ...(behind.length === 0 ? [] : [`behind: ${behind.join(", ")}`]),
      ...troubled,
    ];
    return {
      name: "agents",
      state: remarks.length === 0 ? "ok" : "degraded",
      detail: [`${live.length} live`, ...remarks].join("; "),
    };
  }

  #inspectors(): Component {
    const live = this.parts.inspectors.live().map(({ status }) => status);
    const needed = (this.parts.reader.view?.state.forwards.size ?? 0) > 0;
    if (live.length === 0)
      return {
        name: "inspectors",
        state: needed ? "down" : "degraded",
        detail: `none is live${needed ? ": forwarded traffic is not inspected" : ""}`,
      };
    const troubled = live
      .filter(({ state }) => state !== "ok")
      .map((status) => `${status.inspectorId}: ${status.problems.join(", ") || "degraded"}`);
    return {
      name: "inspectors",
      state: troubled.length === 0 ? "ok" : "degraded",
      detail: [`${live.length} live`, ...troubled].join("; "),
    };
  }

  async #alerting(): Promise<{ component: Component; status?: AlertingStatus }> {
    const down = (detail: string) => ({ component: { name: "alerting", state: "down" as const, detail } });
    if (!this.parts.nats().connected) return down("unknown while NATS is away");
    let timer: NodeJS.Timeout | undefined;
    try {
      const status = await Promise.race([
        this.parts.alerting.status(),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error("no answer in time")), ALERTING_WAIT_MS);
        }),
      ]);
      const fine = status.storageOk && status.problems.length === 0;
      const detail = [`${count(status.detections, "detection")} stored, ${status.pending} waiting`, ...status.problems].join(
        "; ",
      );
      return { component: { name: "alerting", state: fine ? "ok" : "degraded", detail }, status };
    } catch (error) {
      return down((error as Error).message);
    } finally {
      clearTimeout(timer);
    }
  }
}
