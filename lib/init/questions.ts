/** The questions of `relay init`, on a terminal. */

import process from "node:process";
import { cancel, intro, log, note, outro, password, select, text } from "@clack/prompts";
import { type Locale, locales } from "../locale/mod.ts";
import { accepts, channels, type Field, isKind, type Kind } from "./channels.ts";
import type { Answers, Destination } from "./files.ts";

/** What was answered, by question. It stays where a user goes back, and is the answer that is offered then. */
type Given = Record<string, string | undefined>;

interface Question {
  /** Of a destination's field, such as `telegram.token`; else what it asks for. */
  key: string;
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
            validate: (text = "") => text !== "" && text.trim().length < MIN_SECRET ? ask.short : undefined,
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
  const { ask, channels: words } = locales[locale].init;
  const kinds = Object.keys(channels) as Kind[];
  const options = [...kinds.map((value) => ({ value, label: words[value].name })), { value: "none", label: ask.none }];
  return { key, ask: (initialValue) => select({ message, options, initialValue, showInstructions: false }) };
}

/** What has to be known of a destination of this kind; before the first question stands what to make, and where. */
function detailQuestions(kind: string | undefined, locale: Locale): Question[] {
  if (!isKind(kind)) return [];
  const { name, steps } = locales[locale].init.channels[kind];
  return channels[kind].fields.map((field, index) => {
    const question = fieldQuestion(kind, field, locale);
    if (index > 0 || steps.length === 0) return question;
    return {
      key: question.key,
      ask(before) {
        log.message([`${name}:`, ...steps].join("\n"));
        return question.ask(before);
      },
    };
  });
}

function fieldQuestion(kind: Kind, field: Field, locale: Locale): Question {
  const { ask, channels: words } = locales[locale].init;
  const { ask: asked, wrong }: { ask: Texts; wrong: Texts } = words[kind];
  const { name, empty, isHidden, initial } = field;
  const validate = (text = "") => accepts(channels[kind], field, text.trim()) ? undefined : wrong[name];
  const messageWith = (hint: string | undefined) => hint === undefined ? asked[name]! : `${asked[name]} (${hint})`;
  const hint = empty && ask[empty.as];
  return {
    key: `${kind}.${name}`,
    async ask(before) {
      if (!isHidden) return text({ message: messageWith(hint), initialValue: before ?? initial, validate });
      // Nobody sees what was typed before, so that it cannot be offered.
      return orBefore(await password({ message: messageWith(before ? ask.keep : hint), validate }), before ?? "");
    },
  };
}

type Texts = Readonly<Record<string, string>>;

/** What will be written, without any secret. */
function summaryOf(given: Given, locale: Locale, files: readonly string[]): string[] {
  const { summary, channels: words } = locales[locale].init;
  const { failures, completed, secret } = answersOf(given);
  const placeOf = (one?: Destination): string => {
    if (!one) return summary.nowhere;
    const { fields, shown } = channels[one.kind];
    const place = [words[one.kind].name, shown?.(one.given)].filter(Boolean).join(", ");
    const isLater = fields.some(({ name, empty }) => empty?.as === "later" && !one.given[name]);
    return isLater ? summary.later(place) : place;
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
    if (!isKind(kind)) return undefined;
    const answers = channels[kind].fields.map(({ name }) => [name, given[`${kind}.${name}`] ?? ""]);
    return { kind, given: Object.fromEntries(answers) };
  };
  return {
    failures: destination(given.failures),
    completed: destination(given.completed),
    secret: given.secret ?? "",
  };
}
