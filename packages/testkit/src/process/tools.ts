import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where Debian keeps administrators' tools: often not in an ordinary user's PATH. */
const ALSO = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

/** The Debian package that brings a tool, for error messages. */
const DEBIAN_PACKAGE: Readonly<Record<string, string>> = {
  cc: "gcc and libc6-dev",
  docker: "docker.io",
  ethtool: "ethtool",
  ip: "iproute2",
  "nats-server": "nats-server",
  nsenter: "util-linux",
  unshare: "util-linux",
};

/** A program that is needed is not installed. */
export class ToolMissingError extends Error {
  override readonly name = "ToolMissingError";
  constructor(readonly tool: string) {
    super(missingTool(tool));
  }
}

/** What to say when `tool` is not there. */
export function missingTool(tool: string): string {
  const debian = DEBIAN_PACKAGE[tool];
  return `needs ${tool}${debian === undefined ? "" : ` (Debian: apt-get install ${debian.replace(" and ", " ")})`}`;
}

/** The full path of a program in PATH or in the system's folders, or undefined. */
export function toolPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...ALSO];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** Whether a program is installed. */
export const hasTool = (name: string): boolean => toolPath(name) !== undefined;

/** Like `toolPath`. @throws {ToolMissingError} when it is not installed. */
export function requireTool(name: string): string {
  const path = toolPath(name);
  if (path === undefined) throw new ToolMissingError(name);
  return path;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
