/** What a PostgreSQL store's errors mean, and what a person is told of them. */

import { messageOf, RelayError, StoreError } from "../../errors.ts";
import type { PostgresUrl } from "./url.ts";

/** The five characters by which PostgreSQL names an error, or `undefined` if it is none of PostgreSQL's. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code) ? code : undefined;
}

/** An error of a state that PostgreSQL knows. */
export function errorOfState(state: string, message: string): Error {
  return Object.assign(new Error(message), { code: state });
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
  if (state === undefined) return !/certificate|self.signed|altnames|SSL|TLS|ENOTFOUND|password/i.test(told(error));
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
export function storeError(doing: string, error: unknown, url: PostgresUrl): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof RelayError) return new StoreError(error.message, error.hint);
  const problem = told(error);
  const hint = hints.find(([state, words]) => state.test(sqlStateOf(error) ?? "") && words.test(problem))?.[2];
  const message = `Cannot ${doing} in ${url.masked}: ${withoutSecrets(problem, url)}`;
  return Object.assign(new StoreError(message, hint), { isHeld: isHeldBy(error), cause: error });
}

/** One sentence; of several addresses of one host that were tried, each has its own. */
function told(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(messageOf))].join(", ");
  }
  const message = messageOf(error);
  return plain.find(([words]) => words.test(message))?.[1] ?? message;
}

function withoutSecrets(text: string, { secrets }: PostgresUrl): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

/** The driver's own words, as a person says it. */
const plain: [words: RegExp, message: string][] = [
  [/^Query read timeout$/, "the server did not answer in time"],
  [/^Connection terminated due to connection timeout$|^timeout expired$/, "the server did not answer in time"],
  [BUSY, "every connection of this relay is busy"],
  [/^Connection terminated( unexpectedly)?$/, "the server closed the connection"],
];

/** What to do, by the error's state, empty for what is none of PostgreSQL's, and by its words. */
const hints: [state: RegExp, words: RegExp, hint: string][] = [
  [/^28P01|^28000/, /./, "check the user and password of `store`, and the server's pg_hba.conf"],
  [/^3D000/, /./, "create the database, or name another one in `store`"],
  [/^42501/, /./, "have the database's administrator run the GRANTs that `relay migrate --sql` ends with"],
  [/^3F000|^42P01|^42883/, /./, "have the store's schema made by `relay migrate --sql`, or restart the relay"],
  [/^25006/, /./, "the server takes no writes; name the primary in `store`, or all servers of the cluster"],
  [/^53300/, /for (role|database)/, "raise the CONNECTION LIMIT of that role or database"],
  [/^53300/, /./, "raise the server's max_connections, or put PgBouncer in front of it"],
  [/^53100/, /./, "make room on the server's disk"],
  [/^53/, /./, "see what the server lacks: memory, disk space or connections"],
  [/^08P01/, /startup parameter/, "name the server itself as `direct` beside the pooler in `store`"],
  [/^57P03/, /./, "the server is starting or stopping; the relay goes on when it is ready"],
  [/^55000/, /moved/, "`relay status` tells where to; name that one as `store` in the config"],
  [/^57014|^55P03/, /./, "the server is overloaded, or another session holds a lock"],
  [/^26000|^42P05/, /./, "name the server itself as `direct` in `store`, since this is a pooler"],
  [/^$/, /ECONNREFUSED|ENOENT/, "start PostgreSQL, or check host and port of `store`"],
  [/^$/, /ENOTFOUND|EAI_AGAIN/, "check the host's name in `store`"],
  [/^$/, /password/i, "check the user and password of `store`"],
  [/^$/, /does not support SSL/, "have the server use TLS, or say `sslmode=disable` where the network is your own"],
  [
    /^$/,
    /certificate|self.signed|altnames/i,
    "name the certificate's authority as `sslrootcert`, and the host by its name in it",
  ],
  [
    /^$/,
    /in time|closed|ECONNRESET|EPIPE|ETIMEDOUT|EHOST|ENET/,
    "see that the server runs and that the network reaches it",
  ],
];
