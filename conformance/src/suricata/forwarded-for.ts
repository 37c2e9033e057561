// Suricata's `xff` setting of alerts in mode overwrite: the address in a request's header stands for the client's (behind a
// reverse proxy) or the server's side that the packet came from.

import type { JsonObject } from "@secuxflow/eve";
import type { ForwardedFor } from "./settings.js";

/** The event with the address that the header names: the last one (reverse) or the first (forward). */
export function withForwarded(event: JsonObject, { enabled, mode, deployment, header }: ForwardedFor): JsonObject {
  if (!["yes", "true", "1"].includes(String(enabled)) || mode !== "overwrite") return event;
  if (header.toLowerCase() !== "x-forwarded-for") return event;
  if (event.event_type !== "alert" || typeof event.xff !== "string") return event;
  const addresses = event.xff.split(",").map((address) => address.trim());
  const address = deployment === "forward" ? addresses[0] : addresses.at(-1);
  if (address === undefined || address === "") return event;
  return { ...event, [event.direction === "to_client" ? "dest_ip" : "src_ip"]: address };
}
