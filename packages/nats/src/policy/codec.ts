import { readPolicyMessage, UnreadablePolicyMessage, type PolicyMessage } from "@secuxflow/contracts";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { z } from "zod";

/** `ce-type` of every message in the policy stream: what one command decided. The events' own types are in the body. */
export const POLICY_MESSAGE_TYPE = "secuxflow.policy.events";

/**
 * `ce-dataschema`: changes when the shape around the events changes, or events gain fields that a reader must not overlook.
 * Each event carries a version of its own. A reader of 1 alone would strip a rule's newer conditions and match too much.
 */
export const POLICY_MESSAGE_SCHEMA = "urn:secuxflow:schema:policy-message:2";
const READABLE_SCHEMAS = new Set(["", "urn:secuxflow:schema:policy-message:1", POLICY_MESSAGE_SCHEMA]);
/** The message's own body is empty: it is kept beside the stream (`bodies.ts`) under the name in the headers. */
export const POLICY_CLAIM_SCHEMA = "urn:secuxflow:schema:policy-message-claim:1";

const MESSAGE_ID = "Nats-Msg-Id";

/** The largest body, in bytes of JSON: 131,072 rules with long comments, or a set of a million IPv6 prefixes. */
export const MAX_BODY_BYTES = 128 * 1024 * 1024;

const BODY = "SecuXFlow-Body";
/** Names of bodies that the message's events refer to: modules and rule images. */
const BLOBS = "SecuXFlow-Blobs";
const Claim = z.object({
  /** Name of the body: the last token of the subject of its parts. */
  id: z.string().regex(/^[A-Za-z0-9]{1,64}$/),
  /** SHA-256 of what is stored, in hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  parts: z.coerce.number().int().positive(),
  /** Bytes stored: gzip. */
  bytes: z.coerce.number().int().positive().max(MAX_BODY_BYTES),
  /** Bytes of the JSON. */
  size: z.coerce.number().int().positive().max(MAX_BODY_BYTES),
});
/** A claim check: where the body of a message is. */
export type Claim = z.infer<typeof Claim>;

export interface Envelope {
  readonly policy: string;
  readonly commandId: string;
  /** URI of the service that decided. */
  readonly source: string;
  readonly traceparent?: string;
  /** Where the body is, when it is not in the message. */
  readonly claim?: Claim;
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
  set.set("ce-dataschema", envelope.claim === undefined ? POLICY_MESSAGE_SCHEMA : POLICY_CLAIM_SCHEMA);
  for (const [field, value] of Object.entries(envelope.claim ?? {})) set.set(`${BODY}-${field}`, String(value));
  const blobs = message.events.flatMap((event) => (event.type === "module.published" ? [event.data.module.blob.id]
    : event.type === "module.ruleset-published" ? [event.data.ruleSet.blob.id] : []));
  if (blobs.length > 0) set.set(BLOBS, blobs.join(" "));
  // The NATS binding keeps Content-Type for events in structured mode.
  set.set("ce-datacontenttype", "application/json");
  if (envelope.traceparent !== undefined) set.set("traceparent", envelope.traceparent);
  return set;
}

/** The command id of a stored message, empty when it has none. */
export const commandIdOf = (set: MsgHdrs | undefined): string => set?.get(MESSAGE_ID) ?? "";

/** The claim of a message whose body is elsewhere. @throws UnreadablePolicyMessage when it is damaged */
export function claimOf(set: MsgHdrs | undefined): Claim | undefined {
  if (set?.get("ce-dataschema") !== POLICY_CLAIM_SCHEMA) return undefined;
  const fields = Object.keys(Claim.shape).map((field) => [field, set.get(`${BODY}-${field}`)]);
  const claim = Claim.safeParse(Object.fromEntries(fields));
  if (!claim.success) throw new UnreadablePolicyMessage(`it does not say where its body is: ${z.prettifyError(claim.error)}`);
  return claim.data;
}

/** The name of the body that a message claims, however damaged the rest of the claim is. */
export const claimedBody = (set: MsgHdrs | undefined): string => set?.get(`${BODY}-id`) ?? "";

/** Names of all bodies that are kept for a message: its own, and those that its events refer to. */
export const claimedBodies = (set: MsgHdrs | undefined): string[] =>
  [claimedBody(set), ...(set?.get(BLOBS) ?? "").split(" ")].filter((id) => id !== "");

/** The message in a stored body. @throws UnreadablePolicyMessage */
export function decodePolicyMessage(body: Uint8Array, set: MsgHdrs | undefined): PolicyMessage {
  const schema = set?.get("ce-dataschema") ?? "";
  if (!READABLE_SCHEMAS.has(schema) && schema !== POLICY_CLAIM_SCHEMA)
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
