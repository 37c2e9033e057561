import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "@secuxflow/testkit";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const DEPLOY = join(repoRoot(import.meta.url), "deploy");
const read = (path: string) => readFileSync(join(DEPLOY, path), "utf8");

interface ComposeService {
  image: string;
  build: { context: string; args: Record<string, string> };
  profiles?: string[];
  privileged?: boolean;
  read_only?: boolean;
  user?: string;
  network_mode?: string;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  ports?: string[];
  networks?: string[];
  secrets?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  deploy?: { resources: { limits: { cpus: string; memory: string } } };
  volumes?: string[];
}
interface Compose {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  networks: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
}

const inDocker = readdirSync(join(DEPLOY, "docker")).filter((file) => file.endsWith(".Dockerfile"));
const dockerfiles = [...inDocker.map((file) => `docker/${file}`), "nats/Dockerfile"];
const compose = parse(read("compose/compose.yaml"), { merge: true }) as Compose;
const AGENT_CAPABILITIES = ["NET_ADMIN", "${SECUXFLOW_CAP_BPF:-BPF}", "${SECUXFLOW_CAP_PERFMON:-PERFMON}"];
const services = Object.entries(compose.services);

describe("Dockerfiles", () => {
  it("are there for every service, the command line and NATS", () => {
    const names = ["alerting", "cli", "inspector", "rule-api", "xdp-agent"].map((name) => `docker/${name}.Dockerfile`);
    expect(dockerfiles).toEqual([...names, "nats/Dockerfile"]);
  });

  describe.each(dockerfiles)("%s", (file) => {
    const lines = read(file).split("\n");
    const value = (instruction: string) =>
      lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));

    it("takes its base image as a build argument, and names no registry", () => {
      const [from] = value("FROM");
      const argument = /^\$\{(NODE_IMAGE|NATS_IMAGE)\}$/.exec(from ?? "")?.[1];
      expect(value("FROM")).toHaveLength(1);
      const fallback = value("ARG").find((arg) => arg.startsWith(`${argument}=`))?.split("=")[1];
      expect(fallback).toMatch(/^[a-z]+:[\w.-]+$/); // no host, no path
    });

    it("fetches nothing while it is built", () => {
      for (const command of value("RUN")) expect(command).toMatch(/^mkdir -p \S+( && chown 65532:65532 \S+)?$/);
      expect(value("ADD")).toEqual([]);
    });

    it("runs unprivileged; the agent alone runs as root", () => {
      expect(value("USER")).toEqual([file === "docker/xdp-agent.Dockerfile" ? "0:0" : "65532:65532"]);
    });

    it("says how to stop it and how to see that it is healthy, unless it is a command", () => {
      const command = file === "docker/cli.Dockerfile";
      expect(value("STOPSIGNAL")).toEqual(command ? [] : ["SIGTERM"]);
      expect(value("HEALTHCHECK")).toHaveLength(command ? 0 : 1);
    });
  });
});

describe("compose.yaml", () => {
  it("holds the whole system", () => {
    expect(services.map(([name]) => name).sort()).toEqual(["alerting", "cli", "inspector", "nats", "rule-api", "xdp-agent"]);
    const onDemand = services.filter(([, { profiles }]) => profiles !== undefined).map(([name]) => name);
    expect(onDemand).toEqual(["cli"]);
  });

  it("hands base images on as build arguments and names no registry", () => {
    for (const [, service] of services) {
      const { NODE_IMAGE, NATS_IMAGE } = service.build.args;
      expect(NODE_IMAGE ?? NATS_IMAGE).toMatch(/^\$\{(NODE|NATS)_IMAGE:-[a-z]+:[\w.-]+\}$/);
      expect(service.image).toMatch(/^secuxflow\/[\w-]+:\$\{SECUXFLOW_TAG:-local\}$/);
    }
  });

  it("gives capabilities to the agent alone, and none of the dangerous ones", () => {
    for (const [name, service] of services) {
      expect(service.privileged, name).toBeUndefined();
      expect(service.cap_drop, name).toEqual(["ALL"]);
      expect(service.cap_add ?? [], name).toEqual(name === "xdp-agent" ? AGENT_CAPABILITIES : []);
      expect(service.security_opt, name).toContain("no-new-privileges:true");
      expect(service.read_only, name).toBe(true);
      expect(service.network_mode, name).toBe({ "xdp-agent": "host", cli: "service:rule-api" }[name]);
    }
  });

  it("publishes ports on loopback only", () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it("limits every service, and starts it when NATS is healthy", () => {
    for (const [name, service] of services) {
      expect(service.deploy?.resources.limits.cpus, name).toMatch(/^\d+\.\d$/);
      expect(service.deploy?.resources.limits.memory, name).toMatch(/^\d+[MG]$/);
      if (name !== "nats" && name !== "cli") expect(service.depends_on, name).toEqual({ nats: { condition: "service_healthy" } });
    }
  });

  it("declares every volume, network and secret it uses, and no others", () => {
    const used = (of: (service: ComposeService) => string[] | undefined) =>
      [...new Set(services.flatMap(([, service]) => of(service) ?? []))].sort();
    const mounts = used((service) => service.volumes).map((volume) => volume.split(":")[0] ?? "");
    expect(mounts.filter((source) => !source.startsWith("/"))).toEqual(Object.keys(compose.volumes).sort());
    expect(used((service) => service.networks)).toEqual(Object.keys(compose.networks).sort());
    expect(used((service) => service.secrets)).toEqual(Object.keys(compose.secrets).sort());
  });

  it("holds no secret: tokens come from files", () => {
    for (const [name, service] of services) {
      const secret = Object.keys(service.environment ?? {}).filter((key) => /TOKEN|PASSWORD|SECRET/.test(key));
      for (const key of secret) expect(service.environment?.[key], `${name} ${key}`).toMatch(/^\/run\/secrets\//);
    }
  });
});

describe("systemd units", () => {
  const units = readdirSync(join(DEPLOY, "systemd")).filter((file) => file.endsWith(".service"));

  it("are there for the four services and NATS, and the target wants them all", () => {
    const names = ["agent", "alerting", "inspector@", "nats", "rule-api"];
    expect(units.sort()).toEqual(names.map((name) => `secuxflow-${name}.service`));
    const wanted = /^Wants=(.*)$/m.exec(read("systemd/secuxflow.target"))?.[1]?.replace("@1", "@").split(" ");
    expect(wanted?.sort()).toEqual(units.sort());
  });

  it.each(units)("%s is confined, and has capabilities only if it is the agent", (unit) => {
    const lines = read(`systemd/${unit}`).split("\n").filter((line) => /^\w+=/.test(line));
    const settings = new Map(lines.map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]));
    expect(settings.get("NoNewPrivileges")).toBe("yes");
    expect(settings.get("ProtectSystem")).toBe("strict");
    expect(settings.get("SystemCallFilter")).toMatch(/^@system-service/);
    const agent = unit === "secuxflow-agent.service";
    expect(settings.get("CapabilityBoundingSet")).toBe(agent ? "CAP_BPF CAP_NET_ADMIN CAP_PERFMON" : "");
    expect(settings.get("User")).toBe(agent ? "root" : unit === "secuxflow-nats.service" ? "secuxflow-nats" : "secuxflow");
  });
});
