import { AddressError, formatPrefix, parsePrefix } from "@secuxflow/contracts";

/** An allow-list entry of the agent for the session that the administrator sits in. */
export interface OwnSession {
  readonly src: string;
  readonly proto: "tcp";
  readonly port: number;
}

/** Reads SSH_CONNECTION (sshd(8): client address and port, server address and port). Undefined without a session. Pure. */
export function sshSession(connection: string | undefined): OwnSession | undefined {
  const [client, , , port] = (connection ?? "").split(" ");
  if (client === undefined || port === undefined || !/^\d{1,5}$/.test(port) || Number(port) > 65_535) return undefined;
  try {
    return { src: formatPrefix(parsePrefix(client)), proto: "tcp", port: Number(port) };
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}
