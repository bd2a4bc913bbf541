/** What a PostgreSQL store's errors mean, and what a person is told of them. */

import { hintOf, messageOf, RelayError, sayError, StoreError } from "../../errors.ts";
import type { Language } from "../../locale/mod.ts";
import { inEnglish, type Phrase } from "../../locale/phrase.ts";
import { cannotIn, type Doing, StoreFault } from "../fault.ts";
import type { PostgresUrl } from "./url.ts";

/** The five characters by which PostgreSQL names an error, or `undefined` if it is none of PostgreSQL's. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code) ? code : undefined;
}

/** An error of a state that PostgreSQL knows. */
export function errorOfState(state: string, problem: Phrase): StoreFault {
  return Object.assign(new StoreFault(problem), { code: state });
}

/** Whether a transaction failed because of another one, and may be done again at once: a deadlock, or a conflict. */
export function isConflict(error: unknown): boolean {
  return /^40(P01|001)$/.test(sqlStateOf(error) ?? "");
}

/** Whether the connection is of no use any more: it is lost, or its server is going down, or takes no writes. */
export function isLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined ? !(error instanceof RelayError) : /^(57P0|08|25006)/.test(state);
}

/** Whether nothing can be asked of the server: it is down or silent, or lets the relay in no more. Read-only, it can be asked. */
export function isUnheard(error: unknown): boolean {
  const state = sqlStateOf(error) ?? "";
  return (isLost(error) && state !== "25006") || /^(28|3D|53300)/.test(state);
}

/** Whether a server cannot be used now, but may be later: it is down, starting, full, or takes no writes. */
export function isDown(error: unknown): boolean {
  if (error instanceof StoreError) return error.isHeld && isDown(error.cause);
  const state = sqlStateOf(error);
  if (state === undefined) {
    return !/certificate|self.signed|altnames|SSL|TLS|ENOTFOUND|password/i.test(inEnglish(problemOf(error)));
  }
  return /^(57P0[1235]|08(?!P01)|53|25006)/.test(state);
}

/** The driver's words for a connection that did not become free in time. */
const BUSY = /^timeout exceeded when trying to connect$/;

/** Whether all connections are in use. */
export function isBusy(error: unknown): boolean {
  return BUSY.test(messageOf(error));
}

/** Whether other statements would fail as well. */
function isHeldBy(error: unknown): boolean {
  return isLost(error) || /^(53|55|57014|28|3D|3F|42501|42P01|42883|58|0A)/.test(sqlStateOf(error) ?? "");
}

/** What could not be done, where, why, and what to do about it. The cause is the error itself, which names no password. */
export function storeError(doing: Doing, error: unknown, url: PostgresUrl): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof RelayError && !(error instanceof StoreFault)) {
    return new StoreError(sayError(error), hintOf(error));
  }
  const problem = problemOf(error);
  const said = inEnglish(problem);
  const [, , hint] = hints.find(([state, part]) => state.test(sqlStateOf(error) ?? "") && part.test(said)) ?? [];
  const phrase = cannotIn(url.masked, doing, (words) => withoutSecrets(problem(words), url));
  return Object.assign(new StoreError(phrase, hint && ((words) => words.store.serverHints[hint])), {
    isHeld: isHeldBy(error),
    cause: error,
  });
}

/** One sentence; of several addresses of one host that were tried, each has its own. */
function problemOf(error: unknown): Phrase {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const messages = [...new Set(error.errors.map(messageOf))].join(", ");
    return () => messages;
  }
  const message = messageOf(error);
  const [, name] = ofDriver.find(([said]) => said.test(message)) ?? [];
  return name === undefined ? sayError(error) : (words) => words.store.server[name];
}

function withoutSecrets(text: string, { secrets }: PostgresUrl): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

/** What the driver says, and its name among the words. */
const ofDriver: [said: RegExp, name: "noAnswer" | "busy" | "closed"][] = [
  [/^Query read timeout$/, "noAnswer"],
  [/^Connection terminated due to connection timeout$|^timeout expired$/, "noAnswer"],
  [BUSY, "busy"],
  [/^Connection terminated( unexpectedly)?$/, "closed"],
];

/** What to do, by the error's state, empty for what is none of PostgreSQL's, and by what it says. */
const hints: [state: RegExp, said: RegExp, hint: keyof Language["store"]["serverHints"]][] = [
  [/^28P01|^28000/, /./, "login"],
  [/^3D000/, /./, "database"],
  [/^42501/, /./, "grants"],
  [/^3F000|^42P01|^42883/, /./, "schema"],
  [/^25006/, /./, "readOnly"],
  [/^53300/, /for (role|database)/, "roleLimit"],
  [/^53300/, /./, "connections"],
  [/^53100/, /./, "disk"],
  [/^53/, /./, "resources"],
  [/^08P01/, /startup parameter/, "pooler"],
  [/^57P03/, /./, "starting"],
  [/^55000/, /moved/, "moved"],
  [/^57014|^55P03/, /./, "overloaded"],
  [/^26000|^42P05/, /./, "direct"],
  [/^$/, /ECONNREFUSED|ENOENT/, "start"],
  [/^$/, /ENOTFOUND|EAI_AGAIN/, "host"],
  [/^$/, /password/i, "password"],
  [/^$/, /does not support SSL/, "tls"],
  [/^$/, /certificate|self.signed|altnames/i, "certificate"],
  [/^$/, /in time|closed|ECONNRESET|EPIPE|ETIMEDOUT|EHOST|ENET/, "network"],
];
