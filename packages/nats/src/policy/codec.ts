import { readPolicyMessage, UnreadablePolicyMessage, type PolicyMessage } from "@secuxflow/contracts";
import { headers, type MsgHdrs } from "@nats-io/transport-node";

/** `ce-type` of every message in the policy stream: what one command decided. The events' own types are in the body. */
export const POLICY_MESSAGE_TYPE = "secuxflow.policy.events";

/** `ce-dataschema`: changes when the shape around the events changes. Each event carries a version of its own. */
export const POLICY_MESSAGE_SCHEMA = "urn:secuxflow:schema:policy-message:1";

const MESSAGE_ID = "Nats-Msg-Id";

export interface Envelope {
  readonly policy: string;
  readonly commandId: string;
  /** URI of the service that decided. */
  readonly source: string;
  readonly traceparent?: string;
}

/** CloudEvents 1.0 in binary mode: attributes as headers with `ce-`, the data alone as body. */
export function policyHeaders(message: PolicyMessage, envelope: Envelope): MsgHdrs {
  const set = headers();
  set.set(MESSAGE_ID, envelope.commandId);
  set.set("ce-specversion", "1.0");
  set.set("ce-id", envelope.commandId);
  set.set("ce-source", envelope.source);
  set.set("ce-type", POLICY_MESSAGE_TYPE);
  set.set("ce-subject", envelope.policy);
  set.set("ce-time", message.at);
  set.set("ce-dataschema", POLICY_MESSAGE_SCHEMA);
  // The NATS binding keeps Content-Type for events in structured mode.
  set.set("ce-datacontenttype", "application/json");
  if (envelope.traceparent !== undefined) set.set("traceparent", envelope.traceparent);
  return set;
}

/** The command id of a stored message, empty when it has none. */
export const commandIdOf = (set: MsgHdrs | undefined): string => set?.get(MESSAGE_ID) ?? "";

/** The message in a stored body. @throws UnreadablePolicyMessage */
export function decodePolicyMessage(body: Uint8Array, set: MsgHdrs | undefined): PolicyMessage {
  const schema = set?.get("ce-dataschema") ?? "";
  if (schema !== "" && schema !== POLICY_MESSAGE_SCHEMA)
    throw new UnreadablePolicyMessage(`its schema is ${JSON.stringify(schema)}`);
  return readPolicyMessage(parse(body));
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new UnreadablePolicyMessage("its body is not JSON", { cause: error });
  }
}
