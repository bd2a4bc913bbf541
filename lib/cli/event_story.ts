/** The whole story of one event: what came in, where it goes and why, and the outcome of each delivery. */

import { RelayError } from "../errors.ts";
import { parseId } from "../id.ts";
import { paint, visible } from "../log.ts";
import { exactJson, shownBody, shownNote } from "../operator/payload.ts";
import { type Story, tellStory } from "../operator/story.ts";
import { isSystem } from "../system_event.ts";
import type { AttemptView } from "../store/views.ts";
import { locale } from "./language.ts";
import { print, printJson } from "./shared.ts";
import type { OpenStore } from "./store.ts";
import { clock, fullTime, table } from "./terminal.ts";
import { deliveryState, eventJson, verdictWords } from "./event_words.ts";

/** Most characters of a payload that are shown; `--json` gives all of it. */
const MAX_SHOWN = 16 * 1024;

/**
 * Prints the story of an event, or of the event of a delivery.
 * @throws {RelayError} if there is none of this id.
 */
export async function printStory({ store, loaded }: OpenStore, text: string, asJson = false): Promise<void> {
  const now = Date.now();
  const id = parseId(text);
  const story = id && await tellStory(store, loaded, id, now);
  if (!story) {
    throw new RelayError(
      `Cannot tell of "${visible(text)}": no event and no delivery has this id`,
      "`relay events` lists those that are stored",
    );
  }
  if (asJson) printJson(jsonOf(story), loaded.redact);
  else print(loaded.redact(lines(story, now).join("\n")));
}

/** The story as `events ID --json` gives it: the event as in the list, and all else that is known of it. */
function jsonOf(story: Story) {
  const { headers, secret, routing, body, details, seq: _, deliveries, ...event } = story;
  return {
    ...eventJson({ ...event, deliveries: deliveries.map(({ ref: _, ...delivery }) => delivery) }),
    headers,
    secret,
    routing,
    payload: exactJson(body) ?? null,
    note: shownNote(details),
  };
}

function lines(story: Story, now: number): string[] {
  const { number, of } = story.secret;
  const signed = of === undefined ? `secret ${number}` : `secret ${number} of ${of}`;
  return [
    `${paint("bold", visible(story.type))}  ${story.id}`,
    ...table([
      ["received", fullTime(Date.parse(story.receivedAt), now)],
      ["from", isSystem(story) ? "relay itself" : `${visible(story.source)}, signed with ${signed}`],
      ["state", story.state],
      ...story.problems.map((problem) => ["problem", paint("yellow", visible(problem.in(locale)))]),
    ]),
    ...section("Headers", table(Object.entries(story.headers).map((pair) => pair.map(visible)))),
    ...section(`Payload, ${story.body.byteLength.toLocaleString("en-US")} bytes`, payloadLines(story.body)),
    ...noteLines(story, now),
    ...(isSystem(story) ? [] : section("Routes, with the current config", routeLines(story))),
    ...section("Deliveries", story.deliveries.flatMap((delivery) => deliveryLines(delivery, now))),
  ];
}

function section(title: string, lines: string[]): string[] {
  return ["", paint("bold", title), ...(lines.length > 0 ? lines : ["  none"])];
}

function payloadLines(body: Uint8Array): string[] {
  const { text, isCut } = shownBody(body, MAX_SHOWN);
  const lines = text.split("\n").map((line) => `  ${visible(line)}`);
  return isCut ? [...lines, paint("gray", "  … and more; --json gives all of it")] : lines;
}

/** Nothing where nobody asked for the note. */
function noteLines({ details }: Story, now: number): string[] {
  if (!details) return [];
  const { at, data, problem } = details;
  const title = data ? `Note, fetched ${fullTime(at, now)}` : `Note, not had at ${fullTime(at, now)}`;
  return section(title, data ? payloadLines(data) : [`  ${paint("yellow", visible(problem?.in(locale) ?? ""))}`]);
}

function routeLines({ routing: { routes, targets, isFallback, problems } }: Story): string[] {
  const goesTo = targets.length === 0 ? "no target" : targets.join(", ") + (isFallback ? " (the fallback)" : "");
  return [
    ...table(routes.map(({ on, to, verdict }, index) => [
      paint(verdict === "matched" ? "green" : "gray", String(verdict === "matched")),
      `routes[${index}]`,
      `${on.join(", ")} → ${to.join(", ")}`,
      paint("gray", verdictWords[verdict]),
    ])),
    ...problems.map((problem) => `  ${paint("yellow", visible(problem.in(locale)))}`),
    `  today it would go to ${goesTo}`,
  ];
}

function deliveryLines(delivery: Story["deliveries"][number], now: number): string[] {
  const rows = table(delivery.history.map((attempt) => attemptCells(attempt, now)));
  return [
    `  ${paint("bold", delivery.target)}  ${delivery.id}  ${deliveryState(delivery, now)}`,
    ...delivery.history.flatMap(({ answer }, index) => [`  ${rows[index]}`, ...answerLines(answer)]),
    ...(delivery.state === "dead" ? [paint("gray", `    relay retry ${delivery.id}`)] : []),
  ];
}

function attemptCells({ attempt, startedAt, durationMs, outcome, reason, status, detail }: AttemptView, now: number) {
  return [
    String(attempt),
    clock(Date.parse(startedAt), now),
    `${durationMs} ms`,
    outcome === "delivered" ? paint("green", "delivered") : paint("red", reason ?? outcome),
    status === null ? "" : String(status),
    visible(detail?.in(locale) ?? ""),
  ];
}

/** What the other side said, line by line. */
function answerLines(answer: string | null): string[] {
  return (answer ?? "").trim().split("\n").filter((line) => line !== "").map((line) =>
    paint("gray", `       │ ${visible(line)}`)
  );
}
