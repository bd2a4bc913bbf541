/** The whole story of one event: where it went and why, what happens next, each attempt, and what came in. */

import { RelayError } from "../errors.ts";
import type { Format } from "../locale/format.ts";
import { paint, visible } from "../log.ts";
import { destinationLine } from "../operator/chains.ts";
import { exactJson, shownBody, shownNote } from "../operator/payload.ts";
import { type Story, tellStory, type ToldDelivery } from "../operator/story.ts";
import { isSystem } from "../system_event.ts";
import type { AttemptView } from "../store/views.ts";
import { eventJson, reasonName } from "./event_words.ts";
import { deliverySentences, eventSentences } from "./event_sentences.ts";
import { idsOf } from "./ids.ts";
import { formatAt, locale, words } from "./language.ts";
import { print, printJson } from "./shared.ts";
import { type OpenStore, timeNow } from "./store.ts";
import { table, wrapped } from "./terminal.ts";
import { fullTime, msOf, whenTime, zoneLine } from "./times.ts";

/** Most characters of a payload that are shown; `--json` gives all of it. */
const MAX_SHOWN = 16 * 1024;

/**
 * Prints the story of an event, or of the event of a delivery.
 * @throws {RelayError} if there is none of this id.
 */
export async function printStory({ store, loaded }: OpenStore, text: string, asJson = false): Promise<void> {
  const now = await timeNow(store);
  const [id] = await idsOf(store, [text]);
  const story = await tellStory(store, loaded, id!, now);
  if (!story) {
    throw new RelayError(({ events }) => events.notFound(visible(text)), ({ events }) => events.listHint);
  }
  if (asJson) return printJson(jsonOf(story), loaded.redact);
  const isServed = await store.runs.isServed();
  print(loaded.redact(lines(story, { now, isServed }, formatAt(now)).join("\n")));
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

function lines(story: Story, moment: { now: number; isServed: boolean }, format: Format): string[] {
  const { events } = words;
  return [
    `${paint("bold", visible(story.type))}  ${story.id}`,
    "",
    ...[...eventSentences(story, format), ...deliverySentences(story, moment, format)].flatMap((sentence) =>
      wrapped(visible(sentence), "  ")
    ),
    ...section(events.deliveries, story.deliveries.flatMap((delivery) => deliveryLines(delivery, format))),
    "",
    ...table(factsOf(story, format)),
    ...(isSystem(story) ? [] : section(events.routes, routeLines(story, format))),
    ...section(events.payload(story.body.byteLength), payloadLines(story.body)),
    ...noteLines(story, format),
    ...section(events.headers, table(Object.entries(story.headers).map((pair) => pair.map(visible)))),
    "",
    zoneLine(),
  ];
}

function factsOf(story: Story, format: Format): string[][] {
  const { facts, own, states } = words.events;
  return [
    [facts.received, fullTime(story.receivedAt, format)],
    [facts.source, isSystem(story) ? own : visible(story.source)],
    [facts.state, states[story.state]],
    ...(story.noteId === null ? [] : [[facts.note, visible(story.noteId)]]),
    ...(story.externalId === null ? [] : [[facts.reference, visible(story.externalId)]]),
  ];
}

function section(title: string, lines: string[]): string[] {
  return ["", paint("bold", title), ...(lines.length > 0 ? lines : [`  ${words.events.none}`])];
}

function payloadLines(body: Uint8Array): string[] {
  const { text, isCut } = shownBody(body, MAX_SHOWN);
  const lines = text.split("\n").map((line) => `  ${visible(line)}`);
  return isCut ? [...lines, paint("gray", `  ${words.events.payloadMore}`)] : lines;
}

/** Nothing where nobody asked for the note. */
function noteLines({ details }: Story, format: Format): string[] {
  if (!details) return [];
  const { at, data, problem } = details;
  const { noteFetched, noteFailed } = words.events;
  const title = (data ? noteFetched : noteFailed)(whenTime(at, format));
  return section(title, data ? payloadLines(data) : [`  ${paint("yellow", visible(problem?.in(locale) ?? ""))}`]);
}

function routeLines({ routing: { routes } }: Story, format: Format): string[] {
  const { yes, no } = words.events;
  return table(routes.map(({ on, to, chains, verdict }, index) => [
    verdict === "matched" ? paint("green", yes) : paint("gray", no),
    `routes[${index}]`,
    `${on.join(", ")} → ${destinationLine({ targets: to, chains }, words.pages, format)}`,
    paint("gray", words.pages.verdicts[verdict]),
  ]));
}

const colors = { delivered: "green", pending: "yellow", in_flight: "yellow", dead: "red", skipped: "gray" } as const;

function deliveryLines(delivery: ToldDelivery, format: Format): string[] {
  const rows = table(delivery.history.map((attempt) => attemptCells(attempt, format)));
  const state = paint(colors[delivery.state], words.pages.states[delivery.state]);
  const { chain } = delivery;
  const step = chain ? `, ${words.pages.chains.step(chain.step, chain.steps)}` : "";
  return [
    `  ${paint("bold", delivery.target)}  ${delivery.id}  ${state}${step}`,
    ...delivery.history.flatMap(({ detail, answer }, index) => [
      ...withDetail(`  ${rows[index]}`, visible(detail?.in(locale) ?? "")),
      ...answerLines(answer),
    ]),
    ...receiptLines(delivery, format),
  ];
}

/** What the vendor told of its messages, in one line: `Receipts: accepted 10:00:01, read 10:02:30`. */
function receiptLines({ receipts }: ToldDelivery, format: Format): string[] {
  if (receipts.length === 0) return [];
  const { receipts: names, receiptsTitle } = words.pages;
  const told = receipts.map(({ status, at, detail }) => {
    const name = paint(receiptColors[status], names[status]);
    return `${name} ${format.short(msOf(at))}${detail ? ` (${visible(detail.in(locale))})` : ""}`;
  });
  return wrapped(`     ${receiptsTitle}: ${told.join(", ")}`, "       ");
}

const receiptColors = { accepted: "gray", sent: "gray", delivered: "green", read: "green", failed: "red" } as const;

function attemptCells(
  { attempt, startedAt, durationMs, outcome, reason, status }: AttemptView,
  format: Format,
): string[] {
  const failed = reason === null ? words.pages.outcomes[outcome] : reasonName(reason);
  return [
    String(attempt),
    format.short(msOf(startedAt)),
    format.duration(durationMs),
    outcome === "delivered" ? paint("green", words.pages.outcomes.delivered) : paint("red", failed),
    status === null ? "" : String(status),
  ];
}

/** What is said of an attempt stands beside it, or below it where the terminal is too narrow. */
function withDetail(row: string, detail: string): string[] {
  if (detail === "") return [row];
  const [line, ...more] = wrapped(`${row}  ${detail}`);
  return more.length === 0 ? [line!] : [row, ...wrapped(`       ${detail}`, "       ")];
}

/** What the target answered, line by line. */
function answerLines(answer: string | null): string[] {
  return (answer ?? "").trim().split("\n").filter((line) => line !== "").map((line) =>
    paint("gray", `       │ ${visible(line)}`)
  );
}
