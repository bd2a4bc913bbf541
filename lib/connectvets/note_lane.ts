/** Notes are fetched in the lane of their API account, one request an event, for the deliveries that await it. */

import { payloadOf, type ReadableEvent } from "../event.ts";
import { isObject } from "../json.ts";
import { Told } from "../locale/told.ts";
import { noteRequests } from "../metrics.ts";
import type { Deferred, Outcome } from "../outcome.ts";
import type { Policy, Target } from "../targets/target.ts";
import type { ApiAccess } from "./api.ts";
import { FETCH_TIMEOUT_MS, fetchNote } from "./fetch.ts";

/** Added to each span, in milliseconds: requests do not arrive as far apart as they are made. */
const MARGIN_MS = 1_000;

/**
 * One attempt each: whatever awaits a note tries again by its own schedule, and has it fetched anew then.
 * @see ConnectVets' API: 100 requests a minute and 1,000 an hour.
 */
const policy: Policy = {
  timeoutMs: FETCH_TIMEOUT_MS + 5_000, // which has ended by itself before
  concurrency: 8,
  rates: [
    { limit: 100, perMs: 60_000 + MARGIN_MS },
    { limit: 1_000, perMs: 3_600_000 + MARGIN_MS },
  ],
  retry: { scheduleMs: [], jitter: 0 },
  circuit: { failures: 5, pauseMs: 60_000 },
};

/** The lanes of these accesses to the API: one an account. */
export function noteLanes(accesses: Iterable<ApiAccess>): Map<string, Target> {
  const lanes = new Map<string, Target>();
  for (const access of accesses) if (!lanes.has(access.lane)) lanes.set(access.lane, noteLane(access));
  return lanes;
}

function noteLane(access: ApiAccess): Target {
  return {
    name: access.lane,
    kind: "connectvetsApi",
    policy,
    address: new URL(access.url).origin,
    url: access.url,
    secrets: [access.key],
    warnings: [],
    render: () => ({}),
    deliver: ({ event }, signal) => fetchFor(event, access, signal),
    expired: (opensAt) => ({
      kind: "dead",
      reason: "note_unavailable",
      detail: Told.of((words) => words.outcomes.note.limited(new Date(opensAt).toISOString())),
    }),
  };
}

async function fetchFor(event: ReadableEvent, access: ApiAccess, signal: AbortSignal): Promise<Outcome | Deferred> {
  const id = noteIdOf(event);
  if (id === undefined) {
    const detail = Told.of((words) => words.outcomes.note.unnamed);
    return { kind: "dead", reason: "note_missing", detail };
  }
  const asked = await fetchNote(access, id, signal);
  if (!signal.aborted) noteRequests.inc({ result: asked.kind === "failed" ? asked.outcome.reason : asked.kind });
  switch (asked.kind) {
    case "found":
      return { kind: "delivered", fetched: asked.data, pauseMs: asked.pauseMs };
    case "limited":
      return { kind: "deferred", pauseMs: asked.pauseMs };
    case "failed":
      return asked.outcome;
  }
}

/** The note that an event is about; `undefined` if it names none that a URL can. */
function noteIdOf(event: ReadableEvent): string | undefined {
  const { data } = payloadOf(event);
  const { note_id, id } = isObject(data) ? data : {};
  const given = note_id ?? id;
  return typeof given === "string" && /^[\w-]{1,128}$/.test(given) ? given : undefined;
}
