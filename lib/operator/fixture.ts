/** Fixtures: an event and what must come of it, so that a config can be tested as code is. Pure functions. */

import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";
import { issuesOf } from "../config/issues.ts";
import { formatPath } from "../config/path.ts";
import { noteOf } from "../connectvets/note.ts";
import type { ConfigIssue } from "../errors.ts";
import { type Payload, payloadOf, type ReadableEvent, type RelayEvent } from "../event.ts";
import { isObject } from "../json.ts";
import type { Phrase } from "../locale/phrase.ts";
import { Told } from "../locale/told.ts";
import { sayUnknown } from "../nearest.ts";
import { expected, options } from "../options.ts";
import type { Verdict } from "../pipeline/route.ts";
import type { Redact } from "../secret.ts";
import { readable } from "../sources/view.ts";
import { mapTexts } from "../targets/message.ts";
import { type Preview, preview, type PreviewConfig } from "./preview.ts";

/** Stands for a message that is the event itself, byte for byte, as an HTTP target is sent it by default. */
const AS_RECEIVED = "as received";

/** Stands for no target at all. */
export const UNROUTED = "unrouted";

/** Id of the event that a fixture is; a default message names it, and links to its page. */
const EVENT_ID = "00000000-0000-7000-8000-000000000000";

/** When a fixture's event comes in, unless it says so; a default message shows it if the event has no `timestamp`. */
const RECEIVED_AT = "2026-01-01T00:00:00.000Z";

const name = z.string().check(z.minLength(1, expected(({ fixtures }) => fixtures.expected.name)));

const message = z.union([z.literal(AS_RECEIVED), z.record(z.string(), z.unknown())], {
  error: expected(({ fixtures }) => fixtures.expected.message(AS_RECEIVED)),
});

const expectation = z.union([
  z.literal(UNROUTED),
  options({
    targets: z.optional(
      z.array(name).check(
        z.minLength(1, expected(({ fixtures }) => fixtures.expected.targets(UNROUTED))),
      ),
    ),
    messages: z.optional(z.record(z.string(), message)),
  }).check(
    z.refine((expect) => expect.targets ?? expect.messages, expected(({ fixtures }) => fixtures.expected.parts)),
  ),
], { error: expected(({ fixtures }) => fixtures.expected.expect(UNROUTED)) });

const fixture = options({
  name: z.optional(name),
  // Not copied by zod: what it holds is the sender's.
  event: z.custom<Payload>(
    (value) => isObject(value) && typeof value.event === "string",
    expected(({ fixtures }) => fixtures.expected.event),
  ),
  note: z.optional(z.custom<object>(isObject, expected(({ fixtures }) => fixtures.expected.note))),
  source: z.optional(name),
  receivedAt: z.optional(
    z.iso.datetime({ offset: true, error: expected(({ fixtures }) => fixtures.expected.time(RECEIVED_AT)) }),
  ),
  expect: expectation,
});

/** An event, and what must come of it. */
export type Fixture = z.output<typeof fixture>;

type Expectation = Fixture["expect"];

type Messages = Exclude<Expectation, string>["messages"];

/** Reads what a fixture file holds, one fixture or a list: every mistake at once, or the fixtures. */
export function readFixtures(value: unknown): { fixtures: Fixture[]; issues: ConfigIssue[] } {
  const all = Array.isArray(value) ? value.map((one, at) => ({ one, path: [at] })) : [{ one: value, path: [] }];
  const read = all.map(({ one, path }) => ({ parsed: fixture.safeParse(one), one, path }));
  return {
    fixtures: read.flatMap(({ parsed }) => parsed.success ? [parsed.data] : []),
    issues: read.flatMap(({ parsed, one, path }) => parsed.success ? [] : issuesOf(parsed.error, one, path)),
  };
}

/** Where a config does not do what a fixture expects; `actual` is `undefined` if there is nothing. */
export interface Difference {
  /** In the fixture's `expect`, such as `messages.plantao.text`. */
  path: string;
  expected: unknown;
  actual: unknown;
  /** Why there is nothing. */
  problem?: Told;
}

/** What a config did with a fixture. The fixture passes if there is no difference. */
export interface Tested {
  targets: string[];
  verdicts: Verdict[];
  isFallback: boolean;
  differences: Difference[];
  /** What went wrong in a `when`; it is no match, and no difference by itself. */
  problems: Told[];
}

/**
 * Compares what a config makes of a fixture's event with what the fixture expects. A message that cannot be made is a
 * difference even if the fixture says nothing of it.
 * @param redact Masks what is given as `actual`. A value that is expected may hold the secret itself, or its mask.
 */
export function testFixture(fixture: Fixture, config: PreviewConfig, redact: Redact): Tested {
  const event = eventOf(fixture);
  const { messages, ...routing } = preview(event, config);
  const { targets, messages: expected = {} }: Exclude<Expectation, string> = fixture.expect === UNROUTED
    ? { targets: [] }
    : fixture.expect;
  const named = [...new Set([...Object.keys(expected), ...messages.map(({ target }) => target)])];
  return {
    ...routing,
    problems: routing.problems.map((one) => one.map(redact)),
    differences: [
      ...differentTargets(targets, routing.targets, config),
      ...named.flatMap((target) => {
        const sent = messages.find((one) => one.target === target) ??
          {
            target,
            problem: Told.of(unknownTarget(target, config) ?? (({ fixtures }) => fixtures.test.nothingSent(target))),
          };
        return differentMessage(sent, expected[target], event, redact);
      }),
    ],
  };
}

/** Deliveries go out side by side, so the order of targets means nothing. */
function differentTargets(
  expected: readonly string[] | undefined,
  actual: readonly string[],
  config: PreviewConfig,
): Difference[] {
  if (!expected) return [];
  const [wanted, given] = [[...new Set(expected)].sort(), [...actual].sort()];
  if (isDeepStrictEqual(wanted, given)) return [];
  const unknown = wanted.flatMap((name) => unknownTarget(name, config) ?? []);
  return [{
    path: "targets",
    expected: wanted,
    actual: given,
    ...(unknown.length > 0 && { problem: Told.of((words) => unknown.map((say) => say(words)).join("; ")) }),
  }];
}

function unknownTarget(name: string, { targets }: PreviewConfig): Phrase | undefined {
  return targets.has(name) ? undefined : sayUnknown("target", name, [...targets.keys()]);
}

function differentMessage(
  sent: Preview,
  expected: typeof AS_RECEIVED | Record<string, unknown> | undefined,
  event: RelayEvent,
  redact: Redact,
): Difference[] {
  const path = ["messages", sent.target];
  if ("problem" in sent) {
    return [{ path: formatPath(path), expected, actual: undefined, problem: sent.problem.map(redact) }];
  }
  const shown = mapTexts(sent.message, redact);
  if (expected === AS_RECEIVED) {
    return isAsReceived(sent.message, event) ? [] : [{ path: formatPath(path), expected, actual: shown }];
  }
  return Object.entries(expected ?? {})
    .filter(([field, value]) => ![shown[field], sent.message[field]].some((one) => isDeepStrictEqual(value, one)))
    .map(([field, value]) => ({ path: formatPath([...path, field]), expected: value, actual: shown[field] }));
}

/** Places of the routes that none of the fixtures matched, and whether none was left to the fallback. */
export function unhit(tested: readonly Tested[], config: PreviewConfig): { routes: number[]; fallback: boolean } {
  return {
    routes: config.routes.flatMap((_, at) => tested.some(({ verdicts }) => verdicts[at] === "matched") ? [] : [at]),
    fallback: config.fallback !== undefined && !tested.some(({ isFallback }) => isFallback),
  };
}

/** A recorded fixture, and what it does not hold. */
export interface Recorded {
  fixture: Fixture;
  problems: Told[];
}

/**
 * Makes a fixture of a stored event, with what this config makes of it. It holds no secret of the config: where the
 * event has one it is masked, and what is expected is what comes of the event as the fixture holds it.
 */
export function recordFixture(stored: ReadableEvent, config: PreviewConfig, redact: Redact): Recorded {
  const { source } = stored;
  const receivedAt = new Date(stored.receivedAt).toISOString();
  const payload = payloadOf({ ...stored, note: undefined });
  const event = mapTexts(payload, redact);
  const note = stored.note && { note: mapTexts(stored.note, redact) };
  const fixture: Fixture = {
    name: `${stored.type} of ${receivedAt}`,
    event,
    ...note,
    source,
    receivedAt,
    expect: UNROUTED,
  };
  const { targets, messages, problems } = preview(eventOf(fixture), config);
  const isMasked = !isDeepStrictEqual(event, payload);
  return {
    fixture: targets.length === 0
      ? fixture
      : { ...fixture, expect: { targets, messages: recorded(messages, eventOf(fixture), redact) } },
    problems: [
      ...(isMasked ? [Told.of(({ fixtures }) => fixtures.test.maskedSecret)] : []),
      ...problems.map((one) => one.map(redact)),
      ...messages.flatMap((one) =>
        "problem" in one ? [one.problem.map((text) => `${one.target}: ${redact(text)}`)] : []
      ),
    ],
  };
}

function recorded(messages: Preview[], event: RelayEvent, redact: Redact): NonNullable<Messages> {
  return Object.fromEntries(messages.flatMap((one) => {
    if ("problem" in one) return [];
    return [[one.target, isAsReceived(one.message, event) ? AS_RECEIVED : mapTexts(one.message, redact)] as const];
  }));
}

/** What a fixture holds is what the config's functions see, whatever form the sender gave it: here, it is the body. */
function eventOf({ event, note, source = "", receivedAt = RECEIVED_AT }: Fixture): ReadableEvent {
  const body = new TextEncoder().encode(JSON.stringify(event));
  const stored = {
    id: EVENT_ID,
    source,
    type: event.event,
    receivedAt: Date.parse(receivedAt),
    body,
    headers: {},
    note: noteOf(note),
  };
  return readable(stored, []);
}

function isAsReceived(message: Record<string, unknown>, event: RelayEvent): boolean {
  return message.body === new TextDecoder().decode(event.body);
}
