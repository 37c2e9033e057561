import { isDeepStrictEqual } from "node:util";
import { NO_PROTECTION, routes, type ProtectionShown, type ServiceList, type SetList } from "@secuxflow/contracts";
import { attack, browse, createTopology, startService, System, UPLINK, type AttackName, type Topology } from "@secuxflow/lab";
import { HttpFailedError, waitFor } from "@secuxflow/testkit";

/** The whole system on the lab, for one spec file. */
export class WholeLab {
  private constructor(readonly topology: Topology, readonly system: System) {}

  static async create(): Promise<WholeLab> {
    const topology = await createTopology("sxfe2e");
    try {
      await startService(topology.container);
      const system = await System.start({ interfaces: [{ name: UPLINK, netns: topology.host.path }], apiPort: 0 });
      return new WholeLab(topology, system);
    } catch (error) {
      await topology.lab.destroy();
      throw error;
    }
  }

  /** Whether a namespace's HTTP request is answered; packets that are dropped give no answer at all. */
  async answered(who: "user" | "attacker", timeoutMs = 1_500): Promise<boolean> {
    try {
      await browse(this.topology[who], "/", timeoutMs);
      return true;
    } catch (error) {
      if (error instanceof HttpFailedError && error.code === "TIMEOUT") return false;
      throw error;
    }
  }

  async attack(name: AttackName): Promise<void> {
    await attack(this.topology.attacker, name);
  }

  /** Removes all rules and forwarding rules, then the sets and services that they named, and ends protection. */
  async clear(): Promise<void> {
    const { cli } = this.system;
    await cli.run("rule", "clear", "--confirm");
    await cli.run("forward", "clear", "--confirm");
    for (const { name } of (await this.system.get<SetList>(routes.sets)).items) await cli.run("set", "delete", name);
    for (const { name } of (await this.system.get<ServiceList>(routes.services)).items) await cli.run("service", "delete", name);
    const { protection } = await this.system.get<ProtectionShown>(routes.protection);
    if (isDeepStrictEqual(protection, NO_PROTECTION)) return;
    await cli.run("protection", "set", "--syn-cookies", "off", "--syn-rate", `${NO_PROTECTION.synRate}/s`, "--established-pass", "no", "--per-source", "off");
  }

  /** Waits for something that the REST API shows. */
  until<T>(what: string, path: string, wanted: (document: T) => boolean): Promise<unknown> {
    return waitFor(async () => wanted(await this.system.get<T>(path)), { what, deadlineMs: 20_000 });
  }

  async destroy(): Promise<void> {
    await this.system.stop();
    await this.topology.lab.destroy();
  }
}
