/** Where an event would go, and what each target would be sent. Nothing is stored or sent. */

import type { LoadedConfig } from "../config/load.ts";
import { messageOf } from "../errors.ts";
import type { Payload } from "../event.ts";
import { eventId, formatId } from "../id.ts";
import { messageFor } from "../pipeline/route.ts";
import { routingOf, type RoutingStory } from "./story.ts";

/** What one target would be sent, or why its message cannot be made. */
export interface PreviewedMessage {
  target: string;
  message?: Record<string, unknown>;
  problem?: string;
}

export interface Preview extends RoutingStory {
  /** The event's type. */
  event: string;
  messages: PreviewedMessage[];
}

/**
 * What this config would make of an event that comes in now.
 * @param payload What is in the body.
 * @param source Name of the source that it would come by.
 */
export function preview(loaded: LoadedConfig, source: string, body: Uint8Array, payload: Payload): Preview {
  const { config } = loaded;
  const routing = routingOf(payload, loaded);
  const event = {
    id: formatId(eventId(source, body, 0)),
    source,
    type: payload.event,
    receivedAt: Date.now(),
    body,
    headers: { "Content-Type": "application/json" },
  };
  const messages = routing.targets.map((target): PreviewedMessage => {
    try {
      return { target, message: config.targets.get(target)!.render(event, messageFor(() => payload, target, config)) };
    } catch (error) {
      return { target, problem: messageOf(error) };
    }
  });
  return { event: payload.event, ...routing, messages };
}
