/** What the errors of a PostgreSQL store mean, and what a person is told about them. */

import { hintOf, messageOf, RelayError, sayError, StoreError } from "../../errors.ts";
import type { Language } from "../../locale/mod.ts";
import { inEnglish, type Phrase } from "../../locale/phrase.ts";
import { cannotIn, type Doing, StoreFault } from "../fault.ts";
import type { PostgresUrl } from "./url.ts";

/** The five characters that identify a PostgreSQL error (SQLSTATE); `undefined` if it is not one. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code) ? code : undefined;
}

/** An error with an SQLSTATE. */
export function errorOfState(state: string, problem: Phrase): StoreFault {
  return Object.assign(new StoreFault(problem), { code: state });
}

/** Whether a transaction failed because of another one, a deadlock or a conflict, and may be repeated at once. */
export function isConflict(error: unknown): boolean {
  return /^40(P01|001)$/.test(sqlStateOf(error) ?? "");
}

/** Whether the connection is no longer usable: it is lost, or its server is shutting down or accepts no writes. */
export function isLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined ? !(error instanceof RelayError) : /^(57P0|08|25006)/.test(state);
}

/** Whether the server cannot be asked: it is down or silent, or refuses the relay. A read-only server can be asked. */
export function isUnheard(error: unknown): boolean {
  const state = sqlStateOf(error) ?? "";
  return (isLost(error) && state !== "25006") || /^(28|3D|53300)/.test(state);
}

/** Whether a server cannot be used now, but may be later: it is down, starting, full, or accepts no writes. */
export function isDown(error: unknown): boolean {
  if (error instanceof StoreError) return error.isHeld && isDown(error.cause);
  const state = sqlStateOf(error);
  if (state === undefined) {
    return !/certificate|self.signed|altnames|SSL|TLS|ENOTFOUND|password/i.test(inEnglish(problemOf(error)));
  }
  return /^(57P0[1235]|08(?!P01)|53|25006)/.test(state);
}

/** The driver's message for a connection that did not become free in time. */
const BUSY = /^timeout exceeded when trying to connect$/;

/** Whether all connections are in use. */
export function isBusy(error: unknown): boolean {
  return BUSY.test(messageOf(error));
}

/** Whether other statements would fail too. */
function isHeldBy(error: unknown): boolean {
  return isLost(error) || /^(53|55|57014|28|3D|3F|42501|42P01|42883|58|0A)/.test(sqlStateOf(error) ?? "");
}

/** What could not be done, where, why, and what to do about it. Its cause is the error, which names no password. */
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

/** One sentence; if several addresses of one host were tried, it has an error for each. */
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

/** What the driver says, and the name of its phrase. */
const ofDriver: [said: RegExp, name: "noAnswer" | "busy" | "closed"][] = [
  [/^Query read timeout$/, "noAnswer"],
  [/^Connection terminated due to connection timeout$|^timeout expired$/, "noAnswer"],
  [BUSY, "busy"],
  [/^Connection terminated( unexpectedly)?$/, "closed"],
];

/** What to do, by the error's SQLSTATE (empty if it is not PostgreSQL's) and its message. */
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
