/**
 * What the API answers, and what the CLI prints under `--json`: the one documented shape of everything an operator sees.
 * Times are ISO 8601, UTC. Fields are added, never renamed.
 */

import { z } from "zod";
import { refusals } from "../../refusal.ts";
import { receiptStatus } from "../../store/receipts.ts";
import {
  attemptView,
  count,
  deadGroup,
  deliveryState,
  deliveryView,
  eventView,
  id,
  ms,
  reason,
  targetView,
  time,
  told,
} from "../../store/views.ts";

export const event = eventView.meta({ id: "Event" });

export const eventPage = z.object({
  events: z.array(event).meta({ description: "The newest first" }),
  next: z.string().nullable().meta({
    description: "The `cursor` to go on with. A page may be short, even empty, and still have one",
  }),
}).meta({ id: "EventPage" });

const attempt = attemptView.meta({ id: "Attempt" });

const chain = z.object({
  targets: z.array(z.string()),
  withinMs: ms,
  until: z.enum(["delivered", "read"]),
}).meta({ id: "Chain", description: "Targets that are told one after the other, until one of them has the event" });

export const routing = z.object({
  targets: z.array(z.string()),
  chains: z.array(chain),
  isFallback: z.boolean().meta({ description: "No route matched, and the targets are the config's `fallback`" }),
  routes: z.array(z.object({
    on: z.array(z.string()),
    to: z.array(z.string()),
    chains: z.array(chain),
    verdict: z.enum(["matched", "other_event", "when_false", "when_threw"]),
  })),
  problems: z.array(told),
}).meta({ id: "Routing", description: "Where the current config would send an event, and why" });

const receipt = z.object({
  status: receiptStatus,
  at: time.meta({ description: "By the vendor's clock, but of `accepted` by relay's" }),
  reason: reason.nullable().meta({ description: "Of a failure" }),
  detail: told.nullable().meta({ type: ["string", "null"], description: "One sentence" }),
}).meta({ id: "Receipt", description: "What a vendor told of a message that it had taken" });

export const eventStory = z.object({
  ...eventView.omit({ deliveries: true }).shape,
  headers: z.record(z.string(), z.string()).meta({ description: "Signatures and the like are masked" }),
  body: z.object({
    encoding: z.enum(["utf8", "base64"]).meta({ description: "Base64 for bytes that are not UTF-8" }),
    text: z.string(),
  }),
  payload: z.unknown().meta({ description: "The body as JSON, numbers as they were written; null if it is none" }),
  note: z.object({
    at: time.meta({ description: "When that was" }),
    data: z.unknown().meta({ description: "The note as ConnectVets' API gave it; null if it did not" }),
    problem: told.nullable().meta({ type: ["string", "null"], description: "Why there is none" }),
  }).nullable().meta({ description: "What came of asking for the note in full; null where nobody asked" }),
  secret: z.object({
    number: z.int().min(1),
    of: z.int().optional().meta({ description: "Absent if the config does not name the source any more" }),
  }).meta({ description: "Which of the source's secrets had signed it" }),
  routing,
  deliveries: z.array(
    z.object({
      ...deliveryView.shape,
      held: z.object({
        state: z.enum(["open", "throttled", "paused", "orphaned", "quiet", "digest"]).meta({
          description: "As a target's; `quiet`: until quiet hours end; `digest`: until its digest goes out",
        }),
        until: time.nullable().meta({ description: "Null where an operator has to end it" }),
      }).nullable().meta({ description: "What a delivery that waits depends on besides its own next attempt" }),
      attemptsLeft: z.int().min(1).nullable().meta({
        description: "Attempts before it is given up; null if it does not wait, or the config does not name its target",
      }),
      history: z.array(attempt).meta({ description: "The first one first" }),
      receipts: z.array(receipt).meta({ description: "Each word of the vendor on its messages, the oldest first" }),
    }).meta({ id: "DeliveryStory" }),
  ),
}).meta({ id: "EventStory", description: "Everything that is known of an event" });

export const deliveryPage = z.object({
  deliveries: z.array(z.object({
    ...deliveryView.shape,
    event: z.object({ id, type: z.string(), receivedAt: time, noteId: z.string().nullable() }),
  })),
  next: z.string().nullable().meta({ description: "The `cursor` to go on with, as in a page of events" }),
}).meta({ id: "DeliveryPage" });

export const deadGroups = z.object({
  count,
  groups: z.array(deadGroup),
}).meta({ id: "DeadGroups", description: "Dead letters by target and reason" });

export const target = z.object({
  name: z.string(),
  state: z.enum(["ok", "failing", "dead_letters", "open", "throttled", "paused", "orphaned"]).meta({
    description:
      "`failing`: its last attempt failed, and nothing was delivered since. `dead_letters`: it delivers, but some " +
      "deliveries are dead. `open`: its circuit holds it after failures. `throttled`: it asked for a pause. `paused`: an operator " +
      "did. `orphaned`: the config does not name it",
  }),
  kind: z.string().nullable(),
  address: z.string().nullable().meta({ description: "Where it delivers to, without any secret" }),
  ...targetView.omit({ name: true }).shape,
  waitsMs: z.int().optional().meta({
    description: "How long quiet hours and digests let a delivery wait; absent: it has neither",
  }),
}).meta({ id: "Target" });

export const targets = z.object({ targets: z.array(target) }).meta({ id: "Targets" });

export const alarm = z.discriminatedUnion("alarm", [
  z.object({ alarm: z.literal("dead"), limit: z.int().min(1), since: time, to: z.string() }),
  z.object({ alarm: z.literal("silent"), pattern: z.string(), forMs: ms, since: time, to: z.string() }),
  z.object({ alarm: z.literal("refused"), limit: z.int().min(1), withinMs: ms, since: time, to: z.string() }),
]).meta({ id: "Alarm", description: "An alarm that is on, what it is about, and the target that was told" });

const listeners = z.array(z.object({ name: z.enum(["listen", "admin"]), url: z.string() }));

const reload = z.object({
  refusedSince: time.meta({ description: "When the first of the reloads was that were refused in a row" }),
  problem: z.string(),
  mistakes: z.array(z.object({
    path: z.string().meta({ description: "Its place in the config; empty for the config as a whole" }),
    message: z.string(),
    file: z.string().optional().meta({ description: "The file that it is written in" }),
    line: z.int().optional().meta({ description: "From 1" }),
    column: z.int().optional().meta({ description: "From 1" }),
  })),
}).meta({ id: "Reload", description: "A reload that was refused: the config before it is at work" });

const refused = z.object({
  source: z.string(),
  reason: z.enum(refusals).meta({ id: "Refusal", description: "Why a request to a source was refused" }),
  count,
  lastAt: time,
}).meta({ id: "Refused", description: "Requests that were refused" });

const relay = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(["running", "stopping", "stopped", "lost"]).meta({
    description: "`stopped`: it ended as it was asked to. `lost`: it is gone without a word",
  }),
  lanes: z.array(z.string()).meta({ description: "Targets whose deliveries are its to make" }),
  taking: z.array(z.string()).meta({
    description: "Targets that it takes over from a relay that was lost, within 15 s",
  }),
  duties: z.boolean().meta({ description: "It also has the duties, of which there is one owner: retention, alarms" }),
  pid: z.int().nullable(),
  since: time.nullable().meta({ description: "When it was started" }),
  listeners,
  lastHeardAt: time.nullable().meta({ description: "When it last told the store that it lives" }),
  stoppedAt: time.nullable(),
  reload: reload.nullable(),
}).meta({ id: "Relay", description: "One of the relays that share a store" });

/** Absent where the store is for one relay alone. */
const shared = z.object({
  members: z.array(relay).meta({ description: "The relays that share the store and are there, this one too" }),
  gone: z.array(relay).meta({ description: "Those that are not there, and were within the last day" }),
  unowned: z.array(z.string()).meta({
    description:
      "Targets that a running relay's config names, and that no relay owns or takes over: their deliveries wait",
  }),
  takeovers: z.array(z.object({
    lane: z.string().meta({ description: "The target" }),
    at: time,
    member: z.string().meta({ description: "Name of the new owner" }),
    wasGivenUp: z.boolean().meta({
      description: "The owner before gave it up, as one does that is stopped; else that one was lost",
    }),
  })).meta({ description: "Targets that came to another relay within the last day, the last one first" }),
});

export const status = z.object({
  running: z.boolean().meta({
    description: "Always true here; `relay status` knows otherwise. What follows is of the relay that answers",
  }),
  pid: z.int().nullable(),
  since: time.nullable().meta({ description: "When it was started" }),
  version: z.string(),
  listeners,
  lastHeardAt: time.nullable().meta({ description: "When the store was told last that it lives" }),
  stoppedAt: time.nullable().meta({ description: "When the last one ended as it was asked to" }),
  bytes: count.meta({ description: "Size of the store on disk" }),
  backlog: count.meta({ description: "Deliveries that wait or are on their way" }),
  dead: count,
  reload: reload.nullable(),
  refusals: z.array(refused).meta({ description: "Of the last hour, by source and reason" }),
  alarms: z.array(alarm),
  targets: z.array(target),
  ...shared.partial().shape,
}).meta({ id: "Status", description: "`members`, `gone`, `unowned` and `takeovers` are there with PostgreSQL alone" });

const countsShape = {
  delivered: count,
  failed: count.meta({ description: "Attempts that failed and are made again" }),
  dead: count,
};

export const activity = z.object({
  since: time,
  received: count,
  ...countsShape,
  hours: z.array(z.object({
    at: time.meta({ description: "When the hour begins" }),
    received: count,
    ...countsShape,
    targets: z.record(z.string(), z.object(countsShape)),
  })).meta({ description: "The oldest first" }),
  targets: z.array(z.object({
    name: z.string(),
    ...countsShape,
    successRate: z.number().min(0).max(1).nullable().meta({ description: "Part of the attempts that delivered" }),
    p50Ms: ms.nullable(),
    p99Ms: ms.nullable(),
  })),
}).meta({ id: "Activity", description: "What happened of late; durations are within a tenth" });

const named = { id, target: z.string() };

export const retried = z.object({
  retried: count,
  deliveries: z.array(z.object(named)).meta({ description: "Those that were named by id and are retried" }),
  untouched: z.array(z.object({ ...named, state: deliveryState })).meta({ description: "Delivered, or on their way" }),
  unknown: z.array(z.string()).meta({ description: "Ids of no event and no delivery" }),
  interrupted: z.boolean().meta({
    description: "There was too much for one request; the same request goes on with it",
  }),
}).meta({ id: "Retried" });

export const replayed = z.object({
  events: count.meta({ description: "Events that were given new deliveries" }),
  deliveries: count,
  unrouted: count.meta({ description: "Events that no route of now matches" }),
  unknown: z.array(z.string()).meta({ description: "Ids of no event and no delivery" }),
  interrupted: z.boolean().meta({
    description:
      "There was too much for one request; what was done by then is done, and `lastReceivedAt` as `since` goes " +
      "on, with the events of that millisecond once more",
  }),
  lastReceivedAt: time.nullable().meta({ description: "When the last of the events came in" }),
}).meta({ id: "Replayed" });

export const held = z.object({
  target: z.string(),
  paused: z.boolean(),
  changed: z.boolean().meta({ description: "It was not so before" }),
  waiting: count.meta({ description: "Deliveries to it that wait or are on their way" }),
}).meta({ id: "Held" });

export const tested = z.object({
  event: id,
  delivery: id.meta({ description: "The first of the deliveries" }),
  deliveries: z.array(id).meta({ description: "One for each recipient of the target" }),
}).meta({
  id: "Tested",
  description: "The test message that is on its way; its event tells what comes of it",
});

export const preview = z.object({
  event: z.string(),
  ...routing.shape,
  messages: z.array(z.object({
    target: z.string(),
    message: z.record(z.string(), z.unknown()).optional().meta({ description: "What it would be sent" }),
    problem: z.string().optional().meta({ description: "Why its message cannot be made" }),
  })),
}).meta({ id: "Preview", description: "Where an event would go, and as what. Nothing is stored or sent" });

export const problem = z.object({
  error: z.string(),
  hint: z.string().optional(),
}).meta({ id: "Problem" });
