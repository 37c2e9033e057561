import { z } from "zod";
import { PolicyMessage } from "./events.js";

/** A message in the policy stream that this build cannot read: newer than it, or damaged. The reader keeps its last good policy. */
export class UnreadablePolicyMessage extends Error {
  override readonly name = "UnreadablePolicyMessage";
  constructor(readonly reason: string, options?: ErrorOptions) {
    super(`policy message cannot be read: ${reason}; the last good policy stays in force, upgrade this service or look at the stream`, options);
  }
}

type Upcaster = (data: unknown) => unknown;

/** Pure steps from an event version to the next: key `<type>@<version>`. Empty while every event is at its first version. */
const UPCASTERS: Readonly<Record<string, Upcaster>> = {};

const RawMessage = z.looseObject({ events: z.array(z.looseObject({ type: z.string(), version: z.number().int(), data: z.unknown() })) });

/** Parses the body of a policy message of any published version. Throws UnreadablePolicyMessage. */
export function readPolicyMessage(body: unknown): PolicyMessage {
  const raw = RawMessage.safeParse(body);
  if (!raw.success) throw new UnreadablePolicyMessage(z.prettifyError(raw.error));
  const events = raw.data.events.map((event) => {
    let { version, data } = event;
    for (let step = UPCASTERS[`${event.type}@${version}`]; step; step = UPCASTERS[`${event.type}@${version}`]) {
      data = step(data);
      version += 1;
    }
    return { type: event.type, version, data };
  });
  const message = PolicyMessage.safeParse({ ...raw.data, events });
  if (!message.success) throw new UnreadablePolicyMessage(z.prettifyError(message.error));
  return message.data;
}
