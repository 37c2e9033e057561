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

  /** Removes all rules and forwarding rules. */
  async clear(): Promise<void> {
    await this.system.cli.run("rule", "clear", "--confirm");
    await this.system.cli.run("forward", "clear", "--confirm");
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
