/** What the API is asked: queries and bodies. A name that is not known is a mistake, never passed over. */

import { z } from "zod";
import { parseId } from "../../id.ts";
import { unknownKeys } from "../../options.ts";
import { MAX_SEARCH } from "../../store/operator.ts";
import { timeOf } from "../../units.ts";
import { eventStates, reason, shownStates } from "../../store/views.ts";

/** Most events in a page. */
const MAX_LIMIT = 200;

/** Most ids in one request. */
const MAX_IDS = 1_000;

/** An object of these keys and no others, as `options()` of a config, but one that OpenAPI can be made of. */
function options<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: unknownKeys(shape) });
}

const whole = (text: string) => /^\d{1,15}$/.test(text) ? Number(text) : NaN;

const limit = z.string().transform(whole).refine((value) => value >= 1 && value <= MAX_LIMIT, {
  error: `expected a whole number from 1 to ${MAX_LIMIT}`,
}).default(50).meta({ type: "integer", minimum: 1, maximum: MAX_LIMIT, description: "Most events in the page" });

const cursor = z.string().transform(whole).refine((value) => !Number.isNaN(value), {
  error: "expected what a page gave as `next`",
}).optional().meta({ type: "string", description: "What the page before gave as `next`" });

const SINCE = "How long ago, such as `2h` or `7d`, or a time in ISO 8601";

/** Reads how long ago, or a time, to Unix milliseconds. */
const since = z.string().transform((text, context) => {
  const at = timeOf(text, Date.now());
  if (at !== undefined) return at;
  context.addIssue({ code: "custom", message: 'expected how long ago, such as "2h", or a time in ISO 8601' });
  return z.NEVER;
}).meta({ type: "string", description: SINCE });

const type = z.string().min(1).meta({
  description: "A pattern: `*` stands for anything within one part of the name, `**` for any number of parts",
  examples: ["note.*"],
});
const target = z.string().min(1);

const id = z.string().refine((text) => parseId(text) !== undefined, { error: "expected an id, a UUIDv7" });
const ids = z.array(id).min(1).max(MAX_IDS);

export const eventParams = z.object({
  id: z.string().meta({ description: "Of an event, or of one of its deliveries", format: "uuid" }),
});

export const targetParams = z.object({ name: z.string() });

export const eventsQuery = options({
  type: type.optional(),
  state: z.enum([...eventStates, ...shownStates]).optional().meta({
    description: "Of the event, or of one of its deliveries",
  }),
  target: target.optional().meta({ description: "It has a delivery to this target, in that state if one is given" }),
  since: since.optional(),
  text: z.string().min(1).max(MAX_SEARCH, `expected at most ${MAX_SEARCH} characters`).optional().meta({
    description: "Stands in the body: a note's id, a client's reference",
  }),
  limit,
  cursor,
});

export const deliveriesQuery = options({
  state: z.enum(shownStates).optional(),
  target: target.optional(),
  type: type.optional(),
  since: since.optional(),
  limit,
  cursor,
});

export const deadQuery = options({ target: target.optional(), reason: reason.optional(), since: since.optional() });

export const activityQuery = options({
  hours: z.string().transform(whole).refine((value) => value >= 1 && value <= 24 * 90, {
    error: "expected a whole number from 1 to 2160",
  }).default(24).meta({ type: "integer", minimum: 1, maximum: 24 * 90 }),
});

export const retryBody = z.union([
  options({ ids: ids.meta({ description: "Of deliveries, or of events: all that are dead or wait" }) }),
  options({
    dead: z.literal(true),
    target: target.optional(),
    reason: reason.optional(),
    since: since.optional(),
  }),
], { error: "expected { ids }, or { dead: true } with `target`, `reason` and `since`" }).meta({ id: "Retry" });

const to = target.optional().meta({ description: "Send them to this target alone, whether or not a route names it" });

export const replayBody = z.union([
  options({ ids: ids.meta({ description: "Of events, or of their deliveries" }), to }),
  options({ since, type: type.optional(), to }),
], { error: "expected { ids }, or { since } with `type`; `to` with both" }).meta({ id: "Replay" });

export const routeQuery = options({
  source: z.string().optional().meta({ description: "The source that would receive it. Default: the first one" }),
});

export const payload = z.looseObject({ event: z.string() }).meta({
  id: "Payload",
  description: "An event as a source receives it",
  examples: [{
    event: "note.failed",
    timestamp: "2026-02-14T18:25:43.000Z",
    data: { note_id: "n1", status: "failed" },
  }],
});
