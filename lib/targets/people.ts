/** What targets that write to people share: when they leave people in peace, and what they tell in one message. */

import * as z from "zod/mini";
import type { AnyEvent } from "../event.ts";
import type { MessageStyle } from "../messages/style.ts";
import { type DigestOptions, digestShape } from "./digest.ts";
import { quietHours, type QuietOptions } from "./quiet.ts";
import type { Policy, TargetContext } from "./target.ts";

/** Options of targets that write to people. Messages of relay's own, such as alarms, go out at once whatever these say. */
export interface PeopleOptions<Event = AnyEvent> {
  /** Hours in which nothing is sent. Deliveries wait until they end, and use up no attempt. */
  quiet?: QuietOptions;
  /** One message of all events that have come in, such as every 15 minutes. `order` has no effect then. */
  digest?: DigestOptions<Event>;
}

/** The zod shape of {@link PeopleOptions}. */
export const peopleShape = { quiet: z.optional(quietHours), digest: z.optional(digestShape) };

/** {@link PeopleOptions} as they are read. */
export type PeopleRead = z.output<z.ZodMiniObject<typeof peopleShape>>;

/** The policy of a target with these options. */
export function peoplePolicy(
  policy: Policy,
  { quiet, digest }: PeopleRead,
  { timeZone }: Pick<TargetContext, "timeZone">,
  style: Pick<MessageStyle, "timeZone">,
): Policy {
  return {
    ...policy,
    ...(quiet && { quiet: { ...quiet, zone: quiet.zone ?? timeZone } }),
    ...(digest && { digest: { everyMs: digest.every, max: digest.max, zone: style.timeZone }, order: undefined }),
  };
}
