/** What `relay backup` and `relay restore` say of a store in PostgreSQL, which has its own programs for that. */

import { isIPv6 } from "node:net";
import { RelayError } from "../errors.ts";
import type { PostgresHost, PostgresUrl } from "../store/postgres/url.ts";
import { shellPath } from "../warnings.ts";

/** Why nothing is backed up, and the command that does it. @param file Where the copy was asked for. */
export function backupElsewhere(database: PostgresUrl, file: string): RelayError {
  return new RelayError(
    ({ copies }) => copies.backup.elsewhere(database.masked),
    ({ copies }) => copies.backup.command(dump(database, file)),
  );
}

/** Why nothing is restored, and the commands that do it. @param file The copy. */
export function restoreElsewhere(database: PostgresUrl, file: string): RelayError {
  const target = shellText(libpqUrl(database));
  const rename = `ALTER SCHEMA ${identifier(database.schema)} RENAME TO ${identifier(`${database.schema}_before`)}`;
  const commands = [
    `    psql --command=${shellText(rename)} ${target}`,
    `    pg_restore --exit-on-error --single-transaction --dbname=${target} ${shellPath(file)}`,
  ].join("\n");
  return new RelayError(
    ({ copies }) => copies.restore.elsewhere(database.masked),
    ({ copies }) => copies.restore.commands(commands),
  );
}

function dump(database: PostgresUrl, file: string): string {
  const schema = identifier(database.schema); // pg_dump reads a pattern, in which what is quoted stands for itself
  return `pg_dump --format=custom --schema=${shellText(schema)} --file=${shellPath(file)} ${
    shellText(libpqUrl(database))
  }`;
}

/** A URL for PostgreSQL's own programs, which ask for the password, and need the server itself. */
export function libpqUrl({ hosts, direct, user, database, sslmode, sslrootcert }: PostgresUrl): string {
  const list = (direct ? [direct] : hosts).map(hostText).join(",");
  const parameters = [
    ...(sslmode === "disable" ? [] : [`sslmode=${sslmode}`]),
    ...(sslrootcert === undefined ? [] : [`sslrootcert=${encodeURIComponent(sslrootcert)}`]),
  ];
  const query = parameters.length > 0 ? `?${parameters.join("&")}` : "";
  return `postgres://${encodeURIComponent(user)}@${list}/${encodeURIComponent(database)}${query}`;
}

function hostText({ host, port }: PostgresHost): string {
  return `${isIPv6(host) ? `[${host}]` : encodeURIComponent(host)}:${port}`;
}

/** A name as SQL has it, quoted where it must be. */
function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A text that a shell passes on as it is. */
function shellText(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
