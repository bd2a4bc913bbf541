/** How `relay status` tells whether the relay runs, what it refused, and what is wrong with its config. */

import { isDeepStrictEqual } from "node:util";
import { type ConfigError, issueJson } from "../errors.ts";
import { locales } from "../locale/mod.ts";
import { paint, visible } from "../log.ts";
import { isSilent, type RefusedView, type ReloadView, type RunView } from "../operator/run.ts";
import { isAboutSignature } from "../refusal.ts";
import { issueLines } from "./issue_lines.ts";
import { locale, words as spoken } from "./language.ts";
import { ago, clock, count, table } from "./terminal.ts";

const words = locales.en.messages;

/** Whether the relay runs, since when, and where it listens. */
export function runLines(view: RunView, now: number): string[] {
  const { running, pid, since, version, listeners, lastHeardAt } = view;
  if (!running) {
    return [
      `relay ${paint("red", "is not running")}${endOf(view, now)}`,
      "  hint: start it with `relay serve`, or where it is a service with `systemctl start relay`",
    ];
  }
  if (since === null) return [`relay ${paint("green", "is running")}`];
  const places = listeners.map(({ name, url }) => `${name === "listen" ? "listening" : "admin"} on ${url}`);
  const started = `relay ${version} ${paint("green", "is running")} since ${
    clock(Date.parse(since), now)
  } (pid ${pid})`;
  return [
    [started, ...places].join(", "),
    ...(isSilent(view, now)
      ? [
        paint(
          "red",
          `  but it has given no sign of life since ${
            clock(Date.parse(lastHeardAt!), now)
          }: it hangs, was stopped, or cannot write`,
        ),
      ]
      : []),
  ];
}

function endOf({ stoppedAt, lastHeardAt }: RunView, now: number): string {
  if (stoppedAt !== null) return `: it stopped at ${clock(Date.parse(stoppedAt), now)}`;
  if (lastHeardAt === null) return "";
  return `: it was heard of last at ${clock(Date.parse(lastHeardAt), now)}, and ended without a word after that`;
}

/** What is wrong with the config on disk, and whether the relay goes on under another one. */
export function configLines(error: ConfigError | undefined, reload: ReloadView | null, now: number): string[] {
  const refused = reload === null ? [] : [
    ...reloadLines(reload, now),
    ...(error ? [] : ["  hint: the config on disk is sound now; `systemctl reload relay`, or SIGHUP, loads it"]),
  ];
  return [...refused, ...mistakesOnDisk(error, reload === null ? [] : [reload])];
}

/** What is wrong with the config on disk. @param told Reloads that were told of: a relay may have refused this very config. */
export function mistakesOnDisk(error: ConfigError | undefined, told: readonly ReloadView[]): string[] {
  if (!error) return [];
  const asJson = (mistakes: readonly unknown[]) => JSON.parse(JSON.stringify(mistakes));
  const found = asJson(error.issues.map(({ hint: _, ...issue }) => issueJson(issue)));
  if (told.some(({ mistakes }) => isDeepStrictEqual(asJson(mistakes), found))) return [];
  return [
    `${paint("red", "config")}: ${visible(error.say(spoken))}`,
    ...issueLines(error.issues, spoken).filter((line) => line !== ""),
  ];
}

/** A reload that was refused. @param name Of the relay that refused it, where there are several. */
export function reloadLines(reload: ReloadView | null, now: number, name?: string): string[] {
  if (reload === null) return [];
  const since = clock(Date.parse(reload.refusedSince), now);
  return [
    paint("red", `${name === undefined ? "" : `${name}: `}config not reloaded since ${since}, the old one goes on`) +
    `: ${visible(reload.problem.in(locale))}`,
    ...mistakeLines(reload.mistakes),
  ];
}

function mistakeLines(mistakes: ReloadView["mistakes"]): string[] {
  return mistakes.map(({ path, message, file, line, column }) => {
    const where = file === undefined ? "" : ` (${file}:${line}:${column})`;
    return visible(`  ${path ? `${path}: ` : ""}${message.in(locale)}${where}`);
  });
}

/** Requests refused of late, and how to find out why. */
export function refusedLines(refused: readonly RefusedView[], now: number): string[] {
  if (refused.length === 0) return [];
  const total = refused.reduce((sum, one) => sum + one.count, 0);
  const rows = refused.map(({ source, reason, count, lastAt }) => [
    source,
    words.refusals[reason]?.name ?? reason,
    String(count),
    `last ${ago(now - Date.parse(lastAt))}`,
  ]);
  const advice = [...new Set(refused.map(({ reason }) => reason))].flatMap((reason) => words.refusals[reason] ?? []);
  return [
    paint("yellow", `${count(total, "request")} refused in the last hour`),
    ...table(rows),
    ...advice.map(({ name, advice }) => `  ${name}: ${advice}`),
    ...(refused.some(isAboutSignature) ? [`  ${words.refusedCheck}`] : []),
  ];
}
