/** The questions of `relay init`, on a terminal. */

import { cancel, intro, isCancel, outro, password, select, text } from "@clack/prompts";
import { type Locale, locales } from "../locale/mod.ts";
import { parseMailbox } from "../targets/mail.ts";
import type { Answers, Destination } from "./files.ts";

/** Asks where notes go and for the secret. `undefined`: the user would rather not. */
export async function askAnswers(locale: Locale): Promise<Answers | undefined> {
  const { ask } = locales[locale].init;
  intro(ask.intro);
  try {
    const failures = await askDestination(ask.failures, locale, []);
    const completed = await askDestination(ask.completed, locale, failures ? [failures] : []);
    const secret = answer(await password({ message: `${ask.secret} (${ask.later})` })) ?? "";
    outro(ask.done);
    return { failures, completed, secret: secret.trim() };
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    cancel(ask.cancelled);
    return undefined;
  }
}

class Cancelled extends Error {}

/** What the user typed or chose. @throws {Cancelled} */
function answer<Value>(value: Value): Exclude<Value, symbol> {
  if (isCancel(value)) throw new Cancelled();
  return value as Exclude<Value, symbol>;
}

/** @param known What was chosen before; the same kind is the same destination. */
async function askDestination(
  message: string,
  locale: Locale,
  known: Destination[],
): Promise<Destination | undefined> {
  const { ask } = locales[locale].init;
  const kinds = Object.keys(ask.kinds) as (keyof typeof ask.kinds)[];
  const kind = answer(await select({ message, options: kinds.map((value) => ({ value, label: ask.kinds[value] })) }));
  if (kind === "none") return undefined;
  const before = known.find((one) => one.kind === kind);
  if (before) return before;
  const line = async (message: string, isRight: (text: string) => boolean, problem: string) => {
    const validate = (value = "") => isRight(value.trim()) ? undefined : problem;
    return (answer(await text({ message, validate })) ?? "").trim();
  };
  const later = (message: string, isRight: (text: string) => boolean, problem: string) =>
    line(`${message} (${ask.later})`, (text) => text === "" || isRight(text), problem);
  if (kind === "slack") return { kind, url: await later(ask.slackUrl, isHttp, ask.invalid.url) };
  if (kind === "http") return { kind, url: await line(ask.httpUrl, isHttp, ask.invalid.url) };
  if (kind === "script") return { kind, command: await line(ask.script, Boolean, ask.invalid.empty) };
  return {
    kind,
    via: await later(ask.smtpUrl, isSmtp, ask.invalid.smtp),
    from: await line(ask.from, isAddress, ask.invalid.address),
    to: await line(ask.to, isAddress, ask.invalid.address),
  };
}

const isHttp = (text: string) => URL.canParse(text) && /^https?:\/\//i.test(text);
const isSmtp = (text: string) => URL.canParse(text) && /^smtps?:\/\//i.test(text);
const isAddress = (text: string) => parseMailbox(text) !== undefined;
