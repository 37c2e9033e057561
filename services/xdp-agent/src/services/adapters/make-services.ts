import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BpfObject } from "libbpf-ts";
import type { ServiceSpace } from "../../defence/application/defence.js";
import { ServiceManager } from "../application/service-manager.js";
import { ServicePlane } from "../application/service-plane.js";
import type { FilteredInterface } from "../domain/interfaces.js";
import { BpfServiceKernel, SERVICE_MAPS, type ServiceMaps } from "./bpf-service-kernel.js";
import { ContainerPorts } from "./container-ports.js";
import { DockerContainers } from "./docker.js";
import { ipLinks, namedNamespaces } from "./netns.js";
import { NamespaceProbe, tcpProbe } from "./tcp-probe.js";

export interface ServicesOptions {
  /** The loaded program, over its maps. */
  readonly object: BpfObject;
  /** Names of the programs for the host's end of a container's veth, and for the container's. */
  readonly programs?: { readonly answers: string; readonly passthrough: string };
  /** The agent's folder on the BPF file system: above those of layout versions, so that a new version takes over what is attached. */
  readonly pinFolder: string;
  /** Folder for what has to be put back as it was. */
  readonly stateDir: string;
  /** Path of the network namespace that services are reached from; default: the agent's own. */
  readonly netns?: string | undefined;
  /** Docker's socket, for services that name a container or say nothing. */
  readonly dockerSocket?: string | undefined;
  /** Interfaces of that namespace where the filter is attached. */
  readonly filtered: () => readonly FilteredInterface[];
  readonly snaplen: number;
  readonly intervalMs: number;
  readonly onSpaces: (spaces: readonly ServiceSpace[]) => void;
  readonly onProblem: (key: string, problem: string | undefined) => void;
  readonly wallMinusMonotonic: () => bigint;
}

/** The services of a policy on this host: forwarding past the stack, balancing, health. */
export interface Services {
  readonly manager: ServiceManager;
  /** Stops looking after services; what is in force stays so. */
  close(): Promise<void>;
  /** Stops, and puts containers' veths back as they were. */
  detach(): Promise<void>;
}

/** Puts the parts together; nothing is changed before `manager.start`. */
export function makeServices(options: ServicesOptions): Services {
  const { object, netns, dockerSocket, programs = { answers: "secuxflow_service", passthrough: "secuxflow_passthrough" } } = options;
  const maps = Object.fromEntries(SERVICE_MAPS.map((name) => [name, object.map(name)])) as unknown as ServiceMaps;
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const ports = new ContainerPorts({
    answers: object.program(programs.answers), passthrough: object.program(programs.passthrough),
    pinFolder: join(options.pinFolder, "services"), undoFile: join(options.stateDir, "veth-undo.json"), hostNetns: netns,
  });
  const elsewhere = netns === undefined ? undefined : new NamespaceProbe(netns);
  const manager = new ServiceManager({
    plane: new ServicePlane(new BpfServiceKernel(maps)), ports, probe: elsewhere?.probe ?? tcpProbe,
    sources: { links: ipLinks(netns), namespaces: namedNamespaces(netns), containers: dockerSocket === undefined ? undefined : new DockerContainers(dockerSocket) },
    filtered: options.filtered, snaplen: options.snaplen, intervalMs: options.intervalMs, onProblem: options.onProblem, onSpaces: options.onSpaces, wallMinusMonotonic: options.wallMinusMonotonic,
  });
  const stop = async (): Promise<void> => {
    await manager.stop();
    elsewhere?.close();
  };
  return {
    manager,
    close: async () => {
      await stop();
      ports.close();
    },
    detach: async () => {
      await stop();
      await ports.keepOnly([]);
      ports.close();
    },
  };
}
