/**
 * The URL of a PostgreSQL store, read as libpq reads a connection URI, with what a relay needs besides.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */

import { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { RelayError } from "../../errors.ts";
import type { Language } from "../../locale/mod.ts";
import { nearest } from "../../options.ts";
import { bare, isLoopback } from "../../outbound/addresses.ts";

/** A server, or the folder of its Unix socket, which begins with `/`. IPv6 stands without brackets. */
export interface PostgresHost {
  host: string;
  port: number;
}

const sslmodes = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;

/**
 * What TLS has to prove, with libpq's meaning: `disable` uses none, `prefer` uses it if the server does, `require` uses it
 * and believes any certificate, `verify-ca` asks for one that an authority signed, `verify-full` for the host's name in it
 * as well. It says nothing of Unix sockets, which never use TLS.
 */
export type SslMode = (typeof sslmodes)[number];

/** Where the store is, who signs in, and how the connection is protected. */
export interface PostgresUrl {
  /** In the order in which to try them; at least one. */
  hosts: readonly PostgresHost[];
  user: string;
  password?: string;
  database: string;
  /**
   * Where the URL names none: `verify-full` with an `sslrootcert`, for who names an authority wants it asked; `disable` if
   * every host is of this machine; else `require`. libpq's own default, `prefer`, would send what the store holds in the
   * clear to whoever says that it knows no TLS, and nobody would notice.
   */
  sslmode: SslMode;
  /** Absolute path of a file in PEM with the authorities to trust, or `system`; absent: those of the runtime. */
  sslrootcert?: string;
  /** Name of the schema that holds the store, as it is, not quoted. */
  schema: string;
  /** The server itself, where `hosts` name a pooler that hands a session from one client to another. */
  direct?: PostgresHost;
  /** The store as people are shown it, without its password: `postgres://user:***@host/db`. */
  masked: string;
  /**
   * What must not be printed: the password, and the password as the URL spells it. One that is the name of the user or of
   * the database is none: to mask it would make everything unreadable, and hide nothing.
   */
  secrets: readonly string[];
}

export interface UrlOptions {
  /** The folder that a relative `sslrootcert` is relative to. */
  folder?: string;
  /** Who signs in where the URL names nobody; as with libpq, the user of this process. */
  user?: string;
}

const DEFAULT_PORT = 5432;
const DEFAULT_SCHEMA = "relay";

/** The folder of the server's Unix socket, which libpq takes where no host is named, as the systems' packages build it. */
const SOCKET_FOLDER = "/var/run/postgresql";

/** Longest name of anything in PostgreSQL, in bytes; a longer one would be cut. */
const MAX_NAME = 63;

const parameters = [
  "host",
  "port",
  "user",
  "password",
  "dbname",
  "sslmode",
  "sslrootcert",
  "schema",
  "direct",
] as const;
type Parameter = (typeof parameters)[number];

/** Whether a config's store is a URL of PostgreSQL, sound or not. */
export function isPostgresUrl(store: string): boolean {
  return /^postgres(ql)?:/i.test(store);
}

/**
 * Reads the URL of a store. Variables such as `PGPASSWORD` are not read.
 * @throws {RelayError} whose message says what was expected, and shows nothing that may be part of a password.
 */
export function parsePostgresUrl(text: string, options: UrlOptions = {}): PostgresUrl {
  const parts = /^postgres(?:ql)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/is.exec(text.toWellFormed());
  const [, authority, path = "", query = ""] = parts ?? [];
  // What stands behind an "@" that is not encoded may be the rest of a password with a "/" in it.
  if (authority === undefined || `${path}${query}`.includes("@")) {
    throw mistake((url) => url.form(url.encoded));
  }
  const at = authority.lastIndexOf("@");
  const [, userText = "", passwordText] = /^([^:]*)(?::(.*))?$/s.exec(authority.slice(0, Math.max(0, at)))!;
  const given = parametersOf(query);
  const user = given.user ?? (decode(userText) || (options.user ?? userInfo().username));
  const password = given.password ?? (passwordText === undefined ? undefined : decode(passwordText) || undefined);
  const database = given.dbname ?? (decode(path) || user);
  if ([user, password ?? "", database].some((one) => one.includes("\0"))) {
    throw mistake((url) => url.zero);
  }
  const hosts = given.host === undefined
    ? hostsOf(authority.slice(at + 1), given.port)
    : hostsOf(given.host.split(",").map((host) => isIPv6(host) ? `[${host}]` : host).join(","), given.port);
  const schema = schemaOf(given.schema ?? DEFAULT_SCHEMA);
  const tls = tlsOf(given, hosts, options.folder ?? "");
  return {
    hosts,
    user,
    password,
    database,
    ...tls,
    schema,
    direct: given.direct === undefined ? undefined : directOf(given.direct),
    masked: maskedOf({ hosts, user, password, database, schema }),
    secrets: secretsOf([password, passwordText], [user, database, schema]),
  };
}

/** A mistake in a URL: the words say what was expected, never what stands there. */
function mistake(problem: (words: Language["store"]["url"]) => string): RelayError {
  return new RelayError(({ store }) => problem(store.url));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw mistake((url) => url.percent(url.encoded));
  }
}

/** The parameters of a URL, in which, unlike in a form, a plus sign is one. */
function parametersOf(query: string): Partial<Record<Parameter, string>> {
  const given: Partial<Record<Parameter, string>> = {};
  for (const pair of query.split("&").filter(Boolean)) {
    const [, nameText = "", valueText] = /^([^=]*)(?:=(.*))?$/s.exec(pair)!;
    const name = decode(nameText);
    if (!isParameter(name)) throw mistake((url) => url.unknownParameter(name, parameters, nearest(name, parameters)));
    if (name in given) throw mistake((url) => url.twice(name));
    if (valueText === undefined || valueText === "") throw mistake((url) => url.noValue(name));
    given[name] = decode(valueText);
  }
  return given;
}

function isParameter(name: string): name is Parameter {
  return (parameters as readonly string[]).includes(name);
}

/** The hosts of a list such as `a:5432,[::1],/run/postgresql`. One port in a parameter of its own is that of every host. */
function hostsOf(list: string, portList: string | undefined): PostgresHost[] {
  const texts = list.split(",");
  const ports = portList?.split(",");
  if (ports && ports.length !== 1 && ports.length !== texts.length) {
    throw mistake((url) => url.ports(texts.length));
  }
  return texts.map((text, index) => hostOf(text, ports && (ports[index] ?? ports[0])));
}

function hostOf(text: string, portText?: string): PostgresHost {
  const [, name, written] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const host = decode(name === undefined ? "?" : bare(name)) || SOCKET_FOLDER;
  const isAddress = name?.startsWith("[") ? isIPv6(host) : /^[\p{L}\p{N}._-]+$/u.test(host);
  const isFolder = host.startsWith("/") && !host.includes("\0");
  if (!isAddress && !isFolder) {
    throw mistake((url) => url.host(url.encoded));
  }
  return { host, port: portOf(portText || written) };
}

function portOf(text: string | undefined): number {
  if (!text) return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw mistake((url) => url.port(url.encoded));
  return port;
}

function directOf(text: string): PostgresHost {
  if (!text.includes(",")) return hostOf(text);
  throw mistake((url) => url.direct);
}

/** It stands in texts within functions as well, which an apostrophe or two dollars would end. */
function schemaOf(name: string): string {
  if (/'|\$\w*\$/.test(name)) throw mistake((url) => url.schemaCharacters);
  const isReserved = /^pg_|^information_schema$/i.test(name);
  if (!isReserved && !name.includes("\0") && Buffer.byteLength(name) <= MAX_NAME) return name;
  throw mistake((url) => url.schema(MAX_NAME));
}

function tlsOf(
  { sslmode, sslrootcert }: Partial<Record<Parameter, string>>,
  hosts: readonly PostgresHost[],
  folder: string,
): Pick<PostgresUrl, "sslmode" | "sslrootcert"> {
  if (sslmode !== undefined && !(sslmodes as readonly string[]).includes(sslmode)) {
    throw mistake((url) => url.unknownMode(sslmode, sslmodes, nearest(sslmode, sslmodes)));
  }
  const file = sslrootcert === undefined || sslrootcert === "system" ? sslrootcert : resolve(folder, sslrootcert);
  const isNear = hosts.every(({ host }) => host.startsWith("/") || isLoopback(host));
  const mode = sslmode as SslMode | undefined ?? (file !== undefined ? "verify-full" : isNear ? "disable" : "require");
  // Of the public authorities any would do, and they sign for everybody.
  if (mode !== "verify-full" && file === "system") {
    throw mistake((url) => url.systemRoots);
  }
  if (mode === "verify-ca" && file === undefined) {
    throw mistake((url) => url.noRoots);
  }
  // As libpq: who requires TLS and names an authority has the certificate looked at.
  return { sslmode: mode === "require" && file !== undefined ? "verify-ca" : mode, sslrootcert: file };
}

function secretsOf(passwords: readonly (string | undefined)[], names: readonly string[]): string[] {
  return [...new Set(passwords)].filter((one): one is string => !!one && !names.includes(one));
}

function maskedOf(
  { hosts, user, password, database, schema }: Pick<PostgresUrl, "hosts" | "user" | "password" | "database" | "schema">,
): string {
  const list = hosts.map(({ host, port }) => {
    const name = isIPv6(host) ? `[${host}]` : host.startsWith("/") ? encodeURIComponent(host) : host;
    return port === DEFAULT_PORT ? name : `${name}:${port}`;
  });
  const login = encodeURIComponent(user) + (password === undefined ? "" : ":***");
  const suffix = schema === DEFAULT_SCHEMA ? "" : `?schema=${encodeURIComponent(schema)}`;
  return `postgres://${login}@${list.join(",")}/${encodeURIComponent(database)}${suffix}`;
}
