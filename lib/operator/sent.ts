/** What a target is sent for a stored event: the message is rendered again, with the config of now. Sends nothing. */

import { noteOf } from "../connectvets/note.ts";
import type { LoadedConfig } from "../config/load.ts";
import { sayError } from "../errors.ts";
import { bareEvent } from "../event.ts";
import type { Phrase } from "../locale/phrase.ts";
import { messageFor, needOf, routedOf } from "../pipeline/route.ts";
import { readable } from "../sources/view.ts";
import type { EventStory } from "../store/operator.ts";
import { isSystem } from "../system_event.ts";
import { jsonOf } from "../targets/message.ts";
import { targetInLane } from "../targets/target.ts";

/** What has to be known of an event. */
type StoredEvent = Pick<EventStory, "id" | "source" | "type" | "receivedAt" | "headers" | "body" | "details">;

/** A message as JSON holds it, or why it cannot be rendered. */
export type Sent =
  | {
    /** Where the target delivers to, without any secret. */
    address: string;
    /** The target is sent the bytes that were received, and nothing else. */
    isBytes: boolean;
    message: Record<string, unknown>;
  }
  | { problem: Phrase }
  /** The config does not name the target any more, or the message needs the note in full, which is not there. */
  | { lacks: "target" | "note" };

/**
 * What this target would be sent for this event now. Never throws over what the config's functions do.
 * @param name Of the target, or the lane of one of its recipients.
 */
export function sentTo(story: StoredEvent, name: string, { config }: LoadedConfig): Sent {
  const target = targetInLane(config.targets, name);
  if (!target) return { lacks: "target" };
  try {
    const note = story.details?.data && noteOf(JSON.parse(new TextDecoder().decode(story.details.data)));
    const event = readable({ ...story, receivedAt: Date.parse(story.receivedAt), note }, config.sources);
    const routed = routedOf(event);
    const fields = isSystem(story) ? {} : messageFor(routed, name, config);
    const need = isSystem(story) ? undefined : needOf(routed, target, config);
    if (need && !need.isOptional && !note) return { lacks: "note" };
    const message = target.render(need ? event : { ...bareEvent(event), view: event.view }, fields);
    return {
      address: target.address,
      isBytes: target.sendsBytes?.(fields) ?? false,
      message: JSON.parse(jsonOf("message", message)),
    };
  } catch (error) {
    return { problem: sayError(error) };
  }
}
