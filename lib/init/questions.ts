/** The questions of `relay init`, on a terminal. */

import process from "node:process";
import { cancel, intro, log, note, outro, password, select, text } from "@clack/prompts";
import { type Locale, locales } from "../locale/mod.ts";
import { parseMailbox } from "../targets/mail.ts";
import type { Answers, Destination } from "./files.ts";

type Kind = Destination["kind"];

/** What was answered, by question. It stays where a user goes back, and is the answer that is offered then. */
type Given = Partial<Record<Key, string>>;
type Key =
  | "failures"
  | "completed"
  | "secret"
  | "confirm"
  | "slack.url"
  | "email.via"
  | "email.from"
  | "email.to"
  | "http.url"
  | "script.command";

interface Question {
  key: Key;
  /** Gives the answer, or a symbol where the user pressed Esc or Ctrl-C. @param before The answer before, if there was one. */
  ask(before: string | undefined): Promise<string | symbol | undefined>;
}

/**
 * Asks where notes go and for the secret, and shows what will be written. Esc goes back one question.
 * @param files Paths of the files that are written.
 * @returns `undefined` if the user would rather not.
 */
export async function askAnswers(locale: Locale, files: readonly string[]): Promise<Answers | undefined> {
  const { ask } = locales[locale].init;
  intro(ask.intro);
  log.message(ask.keys);
  const keys = new Keys();
  const given: Given = {};
  try {
    for (let at = 0;;) {
      const question = questionsAfter(given, locale, files)[at];
      if (!question) break;
      const answer = await question.ask(given[question.key]) ?? "";
      if (typeof answer === "string") {
        given[question.key] = answer.trim();
        at++;
      } else if (keys.isEscape) at = Math.max(0, at - 1);
      else return stopped(ask.cancelled);
    }
  } finally {
    keys.close();
  }
  if (given.confirm !== "write") return stopped(ask.cancelled);
  outro(ask.done);
  return answersOf(given);
}

function stopped(message: string): undefined {
  cancel(message);
  return undefined;
}

/** Which key was pressed last: the prompts end alike for Esc and for Ctrl-C. */
class Keys {
  isEscape = false;
  readonly #listen = (_: unknown, key?: { name?: string }) => this.isEscape = key?.name === "escape";

  constructor() {
    process.stdin.on("keypress", this.#listen);
  }

  close(): void {
    process.stdin.off("keypress", this.#listen);
  }
}

/** A secret of fewer characters was cut when it was copied, or can be guessed. */
const MIN_SECRET = 16;

/** All questions, as they follow from what was answered so far. */
function questionsAfter(given: Given, locale: Locale, files: readonly string[]): Question[] {
  const { ask } = locales[locale].init;
  const { failures, completed } = given;
  return [
    kindQuestion("failures", ask.failures, locale),
    ...detailQuestions(failures, locale),
    kindQuestion("completed", ask.completed, locale),
    ...(completed === failures ? [] : detailQuestions(completed, locale)),
    {
      key: "secret",
      // Nobody sees what was typed before, so that it cannot be offered.
      ask: async (before = "") =>
        orBefore(
          await password({
            message: `${ask.secret} (${before ? ask.keep : ask.later})`,
            validate: (text = "") => text !== "" && text.trim().length < MIN_SECRET ? ask.invalid.secret : undefined,
          }),
          before,
        ),
    },
    {
      key: "confirm",
      ask() {
        note(summaryOf(given, locale, files).join("\n"), locales[locale].init.summary.title);
        const options = [{ value: "write", label: ask.write }, { value: "cancel", label: ask.cancel }];
        return select({ message: ask.confirm, options, showInstructions: false });
      },
    },
  ];
}

function orBefore(answer: string | symbol | undefined, before: string): string | symbol {
  return answer || before;
}

function kindQuestion(key: "failures" | "completed", message: string, locale: Locale): Question {
  const { kinds } = locales[locale].init.ask;
  const options = Object.entries(kinds).map(([value, label]) => ({ value, label }));
  return { key, ask: (initialValue) => select({ message, options, initialValue, showInstructions: false }) };
}

/** What has to be known of a destination of this kind. */
function detailQuestions(kind: string | undefined, locale: Locale): Question[] {
  const { ask } = locales[locale].init;
  const { invalid } = ask;
  const line = (key: Key, message: string, problemOf: (text: string) => string | undefined): Question => ({
    key,
    ask: (initialValue) => text({ message, initialValue, validate: (text = "") => problemOf(text.trim()) }),
  });
  const later = (key: Key, message: string, isRight: (text: string) => boolean, problem: string) =>
    line(key, `${message} (${ask.later})`, (text) => text === "" || isRight(text) ? undefined : problem);
  const isAddress = (text: string) => parseMailbox(text) !== undefined;
  switch (kind as Kind | undefined) {
    case "slack":
      return [later("slack.url", ask.slackUrl, isHttp, invalid.slack)];
    case "email":
      return [
        later("email.via", ask.smtpUrl, isSmtp, invalid.smtp),
        line("email.from", ask.from, (text) => isAddress(text) ? undefined : invalid.address(text)),
        line("email.to", ask.to, (text) => {
          const addresses = addressesIn(text);
          const wrong = addresses.length === 0 ? text : addresses.find((one) => !isAddress(one));
          return wrong === undefined ? undefined : invalid.address(wrong);
        }),
      ];
    case "http":
      return [line("http.url", ask.httpUrl, (text) => isHttp(text) ? undefined : invalid.url)];
    case "script":
      return [line("script.command", ask.script, (text) => text ? undefined : invalid.empty)];
    default:
      return [];
  }
}

const isHttp = (text: string) => URL.canParse(text) && /^https?:\/\//i.test(text);
const isSmtp = (text: string) => URL.canParse(text) && /^smtps?:\/\//i.test(text);

/** The addresses of a list that a person typed. */
function addressesIn(text: string): string[] {
  return text.split(/[,;]/).map((one) => one.trim()).filter(Boolean);
}

/** What will be written, without any secret. */
function summaryOf(given: Given, locale: Locale, files: readonly string[]): string[] {
  const { summary } = locales[locale].init;
  const { failures, completed, secret } = answersOf(given);
  const placeOf = (one?: Destination): string => {
    if (!one) return summary.nowhere;
    if (one.kind === "slack") return one.url ? summary.slack : summary.later(summary.slack);
    if (one.kind === "http") return summary.http(new URL(one.url).origin);
    if (one.kind === "script") return summary.script(one.command);
    const email = summary.email(one.to.join(", "));
    return one.via ? email : summary.later(email);
  };
  const rows = [
    [summary.failures, placeOf(failures)],
    [summary.completed, placeOf(completed)],
    [summary.secret, secret ? summary.given : summary.sample],
    [summary.files, files.join(", ")],
  ] as const;
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function answersOf(given: Given): Answers {
  const destination = (kind?: string): Destination | undefined => {
    switch (kind as Kind | undefined) {
      case "slack":
        return { kind: "slack", url: given["slack.url"]! };
      case "http":
        return { kind: "http", url: given["http.url"]! };
      case "script":
        return { kind: "script", command: given["script.command"]! };
      case "email":
        return {
          kind: "email",
          via: given["email.via"]!,
          from: given["email.from"]!,
          to: addressesIn(given["email.to"]!),
        };
      default:
        return undefined;
    }
  };
  return {
    failures: destination(given.failures),
    completed: destination(given.completed),
    secret: given.secret ?? "",
  };
}
