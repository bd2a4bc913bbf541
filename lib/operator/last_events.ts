/** What the last events tell: whether a condition of the config fails, and how a target answered last. */

import type { LoadedConfig } from "../config/load.ts";
import { parseId } from "../id.ts";
import type { Told } from "../locale/told.ts";
import { isOfCondition } from "../pipeline/route.ts";
import type { Reason } from "../reason.ts";
import type { Store } from "../store/mod.ts";
import type { EventView } from "../store/views.ts";
import { isSystem } from "../system_event.ts";
import { lateFailure } from "./late_failure.ts";
import { tellStory } from "./story.ts";

/** Events that are looked through: unless alarms and tests are all that has come in for long, one of a sender is among them. */
const LAST = 20;

/** A condition of the current config that fails, so events may not have gone where they should. */
export interface FailingCondition {
  /** How many of the last events it, or another one, failed for; and of how many. */
  count: number;
  of: number;
  /** Id of the newest for which one still fails. */
  event: string;
  problem: Told;
}

/** The last event that a sender sent, and whether conditions fail for events of late. */
export async function lastEvents(
  store: Store,
  loaded: LoadedConfig | undefined,
  now: number,
): Promise<{ sent?: EventView; condition?: FailingCondition }> {
  const { events } = await store.events({}, { limit: LAST });
  const sent = events.filter((event) => !isSystem(event));
  const failed = loaded ? sent.filter(({ problems }) => problems.some(isOfCondition)) : [];
  for (const { id: event } of failed) {
    const id = parseId(event);
    const story = id && await tellStory(store, loaded!, id, now);
    const problem = story?.routing.problems.find(isOfCondition); // none of a condition that was corrected since
    if (problem) return { sent: sent[0], condition: { count: failed.length, of: sent.length, event, problem } };
  }
  return { sent: sent[0] };
}

/** How the newest of the attempts that are looked for ended. */
export interface LastFailure {
  /** Id of its event. */
  event: string;
  detail: Told | null;
  answer: string | null;
  /** ISO 8601; `null` if there is none. */
  nextAttemptAt: string | null;
}

/** The newest delivery to a target in a state that failed for a reason, if it is among the last ones. */
export async function lastFailure(
  store: Store,
  { target, reason, state }: { target: string; reason?: Reason; state: "dead" | "pending" },
): Promise<LastFailure | undefined> {
  const { events } = await store.events({ target, state }, { limit: LAST });
  const isMeant = (one: EventView["deliveries"][number]) =>
    one.target === target && one.state === state && one.reason !== null && one.reason === (reason ?? one.reason);
  const event = events.find(({ deliveries }) => deliveries.some(isMeant));
  const id = event && parseId(event.id);
  const story = id && await store.story(id);
  const delivery = story?.deliveries.find(isMeant);
  const last = delivery?.history.at(-1);
  if (!story || !delivery || !last) return undefined;
  const { detail, answer = null }: { detail: Told | null; answer?: string | null } = lateFailure(delivery) ?? last;
  return { event: story.id, detail, answer, nextAttemptAt: delivery.nextAttemptAt };
}
