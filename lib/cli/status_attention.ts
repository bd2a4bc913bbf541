/** How `relay status` tells what needs attention, and what to do about each of it. */

import { isDeepStrictEqual } from "node:util";
import { issueJson, type Place } from "../errors.ts";
import type { Format } from "../locale/format.ts";
import { sayReason } from "../locale/reasons.ts";
import { paint, visible } from "../log.ts";
import type { Attention, RelayTrouble } from "../operator/attention.ts";
import type { LastFailure } from "../operator/last_events.ts";
import type { RefusedView, ReloadView } from "../operator/run.ts";
import { isReason } from "../reason.ts";
import { bySource, isAboutSignature, isTrouble } from "../refusal.ts";
import { toldIn } from "../warnings.ts";
import { reasonName } from "./event_words.ts";
import { locale, words } from "./language.ts";
import type { StatusNow } from "./status_now.ts";
import { wrapped } from "./terminal.ts";
import { atTime, whenTime } from "./times.ts";

/** Most things that are told, and most lines of each list in one of them: all of it should fit on one screen. */
const MOST_TOLD = 8;
const MOST_LINES = 3;

/** So many things have room for all that is to be said of each. */
const FEW = 4;

/** Most characters of an answer. */
const MOST_ANSWER = 100;

/** Something that needs attention, and what to do about it. */
interface Item {
  head: string;
  /** It goes on by itself, or somebody wanted it so. */
  isMild?: boolean;
  lines: string[];
}

/**
 * The worst first; one line if nothing needs attention.
 * @param redact Masks secrets, before a line is broken in the middle of one.
 */
export function attentionLines(now: StatusNow, format: Format, redact: (text: string) => string): string[] {
  const refused = refusedItems(now.refusals.filter(isTrouble), format);
  const items = [
    ...moveItems(now),
    ...now.troubles.filter(({ kind }) => kind !== "stopped" || !now.move).map((one) => troubleItem(one, now, format)),
    ...mistakeItems(now),
    ...conditionItems(now),
    ...refused.filter(({ isMild }) => !isMild),
    ...now.attention.map((one) => attentionItem(one, now, format)),
    ...refused.filter(({ isMild }) => isMild),
    ...warningItems(now),
  ];
  const { calm, attention, more } = words.status;
  if (items.length === 0) return [paint("green", calm)];
  const isMild = items.every((item) => item.isMild);
  // With many, advice that several have in common is given once.
  const told = new Set<string>();
  return [
    paint(isMild ? "yellow" : "red", attention(items.length)),
    ...items.slice(0, MOST_TOLD).flatMap(({ lines, ...item }) => {
      const news = items.length > FEW ? lines.filter((line) => !told.has(line)) : lines;
      for (const line of news) told.add(line);
      return linesOf({ ...item, head: redact(item.head), lines: news.map(redact) });
    }),
    ...(items.length > MOST_TOLD ? [`  ${more(items.length - MOST_TOLD)}`] : []),
  ];
}

function linesOf({ head, isMild, lines }: Item): string[] {
  const [mark, color] = isMild ? ["!", "yellow"] as const : ["✗", "red"] as const;
  return [
    ...wrapped(`${mark} ${head}`, "  ").map((line) => paint(color, line)),
    ...lines.flatMap((line) => wrapped(`  ${line}`, "  ")),
  ];
}

function moveItems({ move }: StatusNow): Item[] {
  if (!move) return [];
  const { moved, moving, arriving, movedTodo, movingTodo } = words.status.trouble;
  if (move.role !== "source") return [{ head: arriving(move.other), lines: [movingTodo] }];
  return [
    move.isDone ? { head: moved(move.other), lines: [movedTodo] } : { head: moving(move.other), lines: [movingTodo] },
  ];
}

function troubleItem(one: RelayTrouble, { error }: StatusNow, format: Format): Item {
  const { trouble, start, reload } = words.status;
  const when = (time: string) => whenTime(time, format);
  switch (one.kind) {
    case "stopped": {
      const { stoppedAt, lastHeardAt } = one;
      const head = stoppedAt !== null
        ? trouble.stoppedAt(when(stoppedAt))
        : lastHeardAt !== null
        ? trouble.lostAt(when(lastHeardAt))
        : trouble.stopped;
      return { head, lines: [start] };
    }
    case "mute":
      return { head: trouble.mute(one.name, atTime(one.lastHeardAt, format)), lines: [trouble.muteTodo] };
    case "unowned":
      return { head: trouble.unowned(one.targets), lines: [trouble.unownedTodo] };
    case "lost": {
      const head = trouble.lost(one.name, one.lastHeardAt === null ? undefined : when(one.lastHeardAt));
      return { head, lines: [trouble.lostTodo] };
    }
    case "taking":
      return { head: trouble.taking(one.name, one.targets), lines: [trouble.takingTodo], isMild: true };
    case "reload": {
      const head = trouble.reload(one.name, when(one.reload.refusedSince));
      // Of a config that is corrected, the mistakes are of no interest any more.
      return { head, lines: error ? [...reloadLines(one.reload), trouble.reloadTodo] : [trouble.reloadSound] };
    }
    case "config_changed":
      return { head: trouble.configChanged, lines: [reload], isMild: true };
  }
}

function reloadLines({ problem, mistakes }: ReloadView): string[] {
  const lines = mistakes.map(({ path, message, ...where }) => mistakeLine(path, message.in(locale), where));
  return [problem.in(locale), ...lines];
}

function mistakeLine(path: string, message: string, { file, line, column }: Partial<Place>): string {
  const where = file === undefined ? "" : ` (${file}:${line}:${column})`;
  return `${path ? `${path}: ` : ""}${message}${where}`;
}

/** What is wrong with the config on disk; nothing where a relay has refused just that. */
function mistakeItems({ error, troubles }: StatusNow): Item[] {
  if (!error) return [];
  const asJson = (mistakes: readonly unknown[]) => JSON.parse(JSON.stringify(mistakes));
  const found = asJson(error.issues.map(({ hint: _, ...issue }) => issueJson(issue)));
  if (troubles.some((one) => one.kind === "reload" && isDeepStrictEqual(asJson(one.reload.mistakes), found))) return [];
  const lines = error.issues.map(({ path, message, place = {} }) => mistakeLine(path, message(words), place));
  return [{ head: words.status.trouble.mistakes, lines: [error.say(words), ...lines] }];
}

function refusedItems(refusals: readonly RefusedView[], format: Format): Item[] {
  return bySource(refusals).map(({ source, refusals: own, isByStrangers }) => {
    const total = own.reduce((sum, { count }) => sum + count, 0);
    const last = own.map(({ lastAt }) => lastAt).sort().at(-1)!;
    const { refusedBy, refusedReason } = words.status;
    return {
      head: refusedBy(source, total, format.relative(Date.parse(last))),
      isMild: isByStrangers,
      lines: [
        ...own.map(({ reason, count }) => {
          const { name, advice } = words.messages.refusals[reason] ?? { name: reason, advice: "" };
          return refusedReason(name, count, advice);
        }),
        ...(own.some(isAboutSignature) ? [words.messages.refusedCheck] : []),
      ],
    };
  });
}

/** A condition that fails keeps events from their targets, and no delivery tells of it. */
function conditionItems({ condition }: StatusNow): Item[] {
  if (!condition) return [];
  const { count, of, event, problem } = condition;
  const { condition: head, conditionTodo } = words.pages.attention;
  return [{
    head: head(count, of),
    lines: [visible(problem.in(locale)), conditionTodo, words.status.conditionThen(event)],
  }];
}

function attentionItem(item: Attention, { targets, addresses, examples, now }: StatusNow, format: Format): Item {
  const { kind, target, reason, count, since, until } = item;
  const { status } = words;
  const at = (time: string) => atTime(time, format);
  const { lastReason = null, lastFailedAt, lastDeliveredAt = null } = targets.find(({ name }) => name === target) ?? {};
  const why = kind === "dead" ? reason : reason ?? lastReason;
  const name = why ? reasonName(why) : words.pages.states.failing;
  const example = examples.get(item);
  const advice = [
    ...(why ? [sayReason(words.pages, why).advice] : []),
    ...(addresses.has(target) ? [status.address(addresses.get(target)!)] : []),
    ...(example ? [status.lastFailure(failureWords(example), example.event)] : []),
  ];
  switch (kind) {
    case "silent":
      return { head: status.silent(target, at(since!)), lines: [words.messages.silentCheck] };
    case "refused":
      return { head: status.refusedAlarm(at(since!)), lines: [status.refusedAlarmTodo] };
    case "dead": {
      const ofReason = isReason(why) ? ` --reason ${why}` : ""; // else it is one that only a newer relay knows
      const command = `relay retry --dead --target ${target}${ofReason}`;
      const head = status.dead(target, count, why ? name : sayReason(words.pages, null).name, whenTime(since!, format));
      return { head, lines: [...advice, status.deadTodo(command)] };
    }
    case "failing": {
      return {
        head: status.failing(target, count, name, whenTime(lastFailedAt!, format)),
        lines: [
          ...advice,
          lastDeliveredAt === null ? status.nothingYet : status.nothingSince(at(lastDeliveredAt)),
          ...(count > 0
            ? [status.failingTodo(example?.nextAttemptAt ? whenTime(example.nextAttemptAt, format) : undefined)]
            : []),
        ],
      };
    }
    case "open": {
      const isOver = Date.parse(until!) <= now;
      const head = isOver ? status.openNow(target, count, name) : status.open(target, count, name, at(until!));
      return { head, lines: [...advice, status.openTodo] };
    }
    case "orphaned":
      return { head: status.orphaned(target, count), lines: [status.orphanedTodo], isMild: true };
    case "late":
      return { head: status.late(target, count, at(since!)), lines: [status.lateTodo(target)], isMild: true };
    case "paused":
      return { head: status.paused(target, count, at(since!)), lines: [status.pausedTodo(target)], isMild: true };
    case "throttled":
      return { head: status.throttled(target, count, at(until!)), lines: [status.throttledTodo], isMild: true };
  }
}

/** What a target did, and the first of what it answered. */
function failureWords({ detail, answer }: LastFailure): string {
  const said = detail?.in(locale) ?? "";
  const [line = ""] = (answer ?? "").trim().split("\n", 1);
  const shown = line.length > MOST_ANSWER ? `${line.slice(0, MOST_ANSWER)}…` : line;
  return visible([said, shown].filter(Boolean).join(": "));
}

function warningItems({ warnings }: StatusNow): Item[] {
  if (warnings.length === 0) return [];
  const { trouble } = words.status;
  const rest = warnings.length - MOST_LINES;
  const lines = toldIn(locale, warnings.slice(0, MOST_LINES)).map(({ path, message }) => `${path}: ${message}`);
  return [{
    head: trouble.warnings(warnings.length),
    lines: [...lines, ...(rest > 0 ? [trouble.warningsMore(rest)] : [])],
    isMild: true,
  }];
}
