/**
 * The URL of a PostgreSQL store, read as libpq reads a connection URI, with parameters that relay adds.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */

import { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { RelayError } from "../../errors.ts";
import type { Language } from "../../locale/mod.ts";
import { nearest } from "../../nearest.ts";
import { bare, isLoopback } from "../../outbound/addresses.ts";

/** A server, or the folder of its Unix socket, which begins with `/`. IPv6 addresses have no brackets. */
export interface PostgresHost {
  host: string;
  port: number;
}

const sslmodes = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;

/**
 * What TLS has to prove, with libpq's meaning: `disable` uses no TLS, `prefer` uses it if the server does, `require`
 * uses it with any certificate, `verify-ca` requires one signed by an authority, and `verify-full` also the host's name
 * in it. It does not apply to Unix sockets, which never use TLS.
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
   * If the URL has none: `verify-full` with an `sslrootcert`, since whoever names an authority wants it checked;
   * `disable` if every host is on this machine; else `require`. libpq's own default, `prefer`, would send what the
   * store holds in the clear to any server that claims to have no TLS, and nobody would notice.
   */
  sslmode: SslMode;
  /** Absolute path of a PEM file with the trusted authorities, or `system`; absent: those of the runtime. */
  sslrootcert?: string;
  /** Name of the schema that holds the store, unquoted. */
  schema: string;
  /** The server itself, if `hosts` name a pooler that passes sessions from client to client. */
  direct?: PostgresHost;
  /** The store as it is shown to people, without its password: `postgres://user:***@host/db`. */
  masked: string;
  /**
   * What must not be printed: the password, decoded and as the URL spells it. A password that equals the name of the
   * user, database or schema is left out: masking it would make everything unreadable and hide nothing.
   */
  secrets: readonly string[];
}

export interface UrlOptions {
  /** The folder that a relative `sslrootcert` is relative to. */
  folder?: string;
  /** The user if the URL has none; by default, as in libpq, the user of this process. */
  user?: string;
}

const DEFAULT_PORT = 5432;
const DEFAULT_SCHEMA = "relay";

/** The folder of the server's Unix socket, which libpq uses if no host is given, as the systems' packages build it. */
const SOCKET_FOLDER = "/var/run/postgresql";

/** Longest name in PostgreSQL, in bytes; a longer one would be truncated. */
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

/** Whether a config's store is a PostgreSQL URL, valid or not. */
export function isPostgresUrl(store: string): boolean {
  return /^postgres(ql)?:/i.test(store);
}

/**
 * Parses the URL of a store. Does not read variables such as `PGPASSWORD`.
 * @throws {RelayError} whose message says what was expected, and shows nothing that may be part of a password.
 */
export function parsePostgresUrl(text: string, options: UrlOptions = {}): PostgresUrl {
  const parts = /^postgres(?:ql)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/is.exec(text.toWellFormed());
  const [, authority, path = "", query = ""] = parts ?? [];
  // Whatever follows an unencoded "@" may be the rest of a password that contains a "/".
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

/** A mistake in a URL: the message says what was expected, never what was there. */
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

/** The parameters of a URL, in which, unlike in a form, a plus sign stands for itself. */
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

/** The hosts of a list such as `a:5432,[::1],/run/postgresql`. A single port in the `port` parameter is for all. */
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

/** The name also goes into texts within functions, which an apostrophe or two dollar signs would end. */
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
  // Any public authority would do, and they sign for everybody.
  if (mode !== "verify-full" && file === "system") {
    throw mistake((url) => url.systemRoots);
  }
  if (mode === "verify-ca" && file === undefined) {
    throw mistake((url) => url.noRoots);
  }
  // As in libpq: `require` with a named authority checks the certificate.
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
