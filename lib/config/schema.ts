/** Reads what a config file exports: every mistake at once, or the config at work. */

import * as z from "zod/mini";
import type { Alert } from "../alert.ts";
import { type ApiAccess, apiAccess } from "../connectvets/api.ts";
import { type ConfigIssue, messageOf, type ToldConfig } from "../errors.ts";
import type { PrivateFile } from "../exposure.ts";
import { isObject } from "../json.ts";
import { type Locale, localeNames } from "../locale/mod.ts";
import { localeShape } from "../messages/style.ts";
import { fn, options } from "../options.ts";
import { isPart, type Kind, partOf, type Role } from "../part.ts";
import type { RouteRule } from "../pipeline/route.ts";
import { ReadableSecret } from "../secret.ts";
import * as sourceMakers from "../sources/mod.ts";
import type { BoundedSource, Source } from "../sources/source.ts";
import { isPostgresUrl } from "../store/postgres/url.ts";
import type { KeepPolicy } from "../store/upkeep.ts";
import { messageShape } from "../targets/message.ts";
import * as targetMakers from "../targets/mod.ts";
import { type RetryPolicy, retryPolicy, type Target, type TargetContext } from "../targets/target.ts";
import type { KeyPair } from "../tls/certificate.ts";
import { duration, rate, size, timerDuration } from "../units.ts";
import type { ConfigWarning } from "../warnings.ts";
import { crossIssues, warningsOf } from "./cross.ts";
import { formatPath, issuesOf } from "./issues.ts";
import { DEFAULT_STORE, storeSecrets, storeText } from "./store.ts";
import { type ConfigText, placeholderWarnings } from "./placeholders.ts";
import { readTls, withPemFiles } from "./tls.ts";

/** A config at work: checked, complete, secrets read. */
export interface Config {
  listen: { host: string; port: number; tls?: KeyPair };
  admin: false | { host: string; port: number; token?: string; publicUrl?: string };
  /** `sqlite:PATH`, or the URL of a PostgreSQL database with its password. */
  store: string;
  sources: readonly BoundedSource[];
  targets: ReadonlyMap<string, Target>;
  /** Where notes come from, for routes and targets. */
  accesses: readonly ApiAccess[];
  routes: readonly RouteRule[];
  fallback?: string;
  alerts: readonly Alert[];
  maxBacklog?: number;
  trustedProxies: number;
  retry: RetryPolicy;
  keep: KeepPolicy;
  drainMs: number;
  /** The language that the config names. */
  locale?: Locale;
  /** IANA name of the zone in which people are told times. */
  timeZone: string;
}

/** 5 s, 30 s, 2 m, 10 m, 30 m, 2 h, 5 h, 10 h: an outage of most of a day costs no event. */
const defaultRetry: RetryPolicy = {
  scheduleMs: [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000].map((seconds) => seconds * 1000),
  jitter: 0.2,
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const token = z.string().check(z.minLength(1, "expected a token that is not empty"));
const publicUrl = z.pipe(
  z.string().check(z.refine(
    (text) => URL.canParse(text) && /^https?:/i.test(text) && new URL(text).href === `${new URL(text).origin}/`,
    'expected the address of a host alone, such as "https://relay.example"',
  )),
  z.transform((text) => new URL(text).origin),
);
const pem = z.string().check(z.minLength(1, 'expected the path of a file in PEM, or credential("NAME")'));
const tls = options({ cert: pem, key: pem });
const host = z.string().check(z.minLength(1));
const port = z.int().check(z.minimum(0), z.maximum(65_535));
const oneOrMore = z.union([
  z.pipe(z.string(), z.transform((one) => [one])),
  z.array(z.string()).check(z.minLength(1, "expected at least one")),
], { error: "expected a text, or a list of texts" });

/** Highest number of dead letters that an alert may ask for: they are counted at each look. */
const MAX_DEAD = 1000;

/** What an alert may be about, and the span of time that it then needs. */
const forms: readonly { name: string; span?: string; example?: string }[] = [
  { name: "dead" },
  { name: "silent", span: "for", example: "6h" },
  { name: "refused", span: "within", example: "10m" },
];

const condition = options({
  dead: z.optional(z.int().check(z.positive(), z.maximum(MAX_DEAD))),
  silent: z.optional(z.string().check(z.minLength(1, 'expected a pattern such as "note.*"'))),
  for: z.optional(
    duration.check(z.refine((ms) => ms > 0 && ms <= 30 * DAY_MS, "expected more than 0, and at most 30 days")),
  ),
  refused: z.optional(z.int().check(z.positive())),
  within: z.optional(
    duration.check(z.refine((ms) => ms >= MINUTE_MS && ms <= DAY_MS, "expected from 1 minute to 1 day")),
  ),
}).check(z.superRefine((when, context) => {
  if (context.issues.length > 0) return; // a misspelt option says it better
  const given = Object.entries(when).filter(([, value]) => value !== undefined).map(([name]) => name);
  const form = forms.find(({ name }) => given.includes(name));
  if (!form || given.some((name) => name !== form.name && name !== form.span)) {
    const message = 'expected { dead: 1 }, { silent: "note.*", for: "6h" }, or { refused: 5, within: "10m" }';
    context.addIssue({ code: "custom", message });
  } else if (form.span !== undefined && !given.includes(form.span)) {
    context.addIssue({ code: "custom", path: [form.span], message: `expected a duration such as "${form.example}"` });
  }
}));

const schema = options({
  listen: z.prefault(
    options({ host: z._default(host, "0.0.0.0"), port: z._default(port, 3000), tls: z.optional(tls) }),
    {},
  ),
  admin: z.prefault(
    z.union([
      z.literal(false),
      options({
        host: z._default(host, "127.0.0.1"),
        port: z._default(port, 9300),
        token: z.optional(token),
        publicUrl: z.optional(publicUrl),
      }),
    ]),
    {},
  ),
  store: z._default(storeText, DEFAULT_STORE),
  sources: z.record(z.string(), z.unknown()),
  targets: z.record(z.string(), z.unknown()),
  routes: z.array(
    options({ on: oneOrMore, to: oneOrMore, when: z.optional(fn), enrich: z.optional(apiAccess), ...messageShape }),
  ),
  fallback: z.optional(z.string()),
  alerts: z._default(z.array(options({ when: condition, to: z.string() })), []),
  maxBody: z._default(size, 1024 ** 2),
  rateLimit: z.optional(rate),
  maxBacklog: z.optional(z.int().check(z.positive())),
  trustProxy: z._default(
    z.union([z.pipe(z.boolean(), z.transform(Number)), z.int().check(z.nonnegative())], {
      error: "expected true, false, or how many proxies stand in front",
    }),
    0,
  ),
  retry: z._default(retryPolicy, defaultRetry),
  keep: z.prefault(
    options({ delivered: z._default(duration, 30 * DAY_MS), dead: z._default(duration, 90 * DAY_MS) }),
    {},
  ),
  drain: z._default(timerDuration, 10_000),
  ...localeShape,
});

type Raw = z.output<typeof schema>;

/**
 * What reading a config gave. `secrets` are all values that must not be printed, known even where there are mistakes;
 * `keys` are those of them that surely open something, and `files` are where secrets are read from.
 */
export interface Reading {
  config?: Config;
  issues: readonly ConfigIssue[];
  warnings: readonly ConfigWarning[];
  secrets: readonly string[];
  /** The config's `store` and `locale`, also where there are mistakes elsewhere. */
  told: ToldConfig;
  keys: readonly string[];
  files: readonly PrivateFile[];
}

/**
 * Reads what a config file exports.
 * @param folder The config's folder, which relative paths in it are relative to.
 * @param nowMs Whether a certificate is valid depends on it.
 */
export function readConfig(exported: unknown, folder: string, nowMs = Date.now()): Reading {
  const read: SecretsRead = { secrets: [], issues: [], files: [], texts: [] };
  const value = readSecrets(withPemFiles(exported), folder, [], read);
  const { issues: secretIssues, files } = read;
  const top = isObject(value) ? value : {};
  // Of a store's URL people are shown all but the password, wherever it was read from.
  const ofStore = storeSecrets(top.store);
  const isUrl = (secret: string) => secret === top.store && isPostgresUrl(secret);
  const secrets = [...read.secrets.filter((secret) => !isUrl(secret)), ...ofStore];

  const parsed = schema.safeParse(value);
  const context: TargetContext = {
    folder,
    locale: localeOf(top) ?? "pt-BR",
    timeZone: parsed.data?.timeZone ?? "America/Sao_Paulo",
    pagesUrl: parsed.data?.admin ? parsed.data.admin.publicUrl : undefined,
  };
  const sources = buildParts<Source>("source", sourceMakers, top.sources, context, secrets);
  const targets = buildParts<Target>("target", targetMakers, top.targets, context, secrets);
  for (const part of [...sources.built, ...targets.built]) secrets.push(...part.secrets);
  const keyPair = readTls(top, nowMs);
  secrets.push(...keyPair.secrets);
  const accesses = [...(parsed.data?.routes ?? []), ...targets.built].flatMap(({ enrich }) => enrich ?? []);
  secrets.push(...accesses.map(({ key }) => key));

  const issues = [
    ...(parsed.success ? [] : issuesOf(parsed.error, value, [], secrets)),
    ...sources.issues,
    ...targets.issues,
    ...keyPair.issues,
    ...crossIssues(top),
  ].filter((issue) => !secretIssues.some((one) => issue.path === one.path));
  const { routes = [], admin } = parsed.data ?? {};
  const adminToken = admin ? admin.token : undefined;
  const found = {
    issues: [...secretIssues, ...issues],
    warnings: [
      ...keyPair.warnings,
      ...placeholderWarnings(read.texts),
      ...warningsOf(sources.built, targets.built, routes, adminToken),
    ],
    secrets,
    told: { store: storeOf(top), locale: localeOf(top) },
    keys: [
      ...[...sources.built, ...targets.built.filter(({ kind }) => kind !== "script")].flatMap((one) => one.secrets),
      ...keyPair.secrets,
      ...accesses.map(({ key }) => key),
      ...ofStore,
      ...(adminToken === undefined ? [] : [adminToken]),
    ],
    files: files.filter(({ path }) => path !== "listen.tls.cert"), // which everybody is shown anyway
  };
  if (!parsed.success || found.issues.length > 0) return found;

  if (adminToken !== undefined) secrets.push(adminToken);
  return { ...found, config: configOf(parsed.data, keyPair.pair, sources.built, targets.built, accesses, context) };
}

function configOf(
  raw: Raw,
  tls: KeyPair | undefined,
  sources: Source[],
  targets: Target[],
  accesses: readonly ApiAccess[],
  { timeZone }: TargetContext,
): Config {
  return {
    listen: { host: raw.listen.host, port: raw.listen.port, ...(tls && { tls }) },
    admin: raw.admin,
    store: raw.store,
    sources: sources.map((source) => ({
      ...source,
      maxBodyBytes: source.maxBodyBytes ?? raw.maxBody,
      rateLimit: source.rateLimit ?? raw.rateLimit,
    })),
    targets: new Map(targets.map((target) => [target.name, target])),
    routes: raw.routes.map(({ on, to, when, enrich, ...message }) => ({ on, to, when, message, enrich })),
    accesses,
    fallback: raw.fallback,
    alerts: raw.alerts.map(({ when, to }): Alert => {
      if (when.dead !== undefined) return { dead: when.dead, to };
      if (when.silent !== undefined) return { silent: when.silent, forMs: when.for!, to };
      return { refused: when.refused!, withinMs: when.within!, to };
    }),
    maxBacklog: raw.maxBacklog,
    trustedProxies: raw.trustProxy,
    retry: raw.retry,
    keep: { deliveredMs: raw.keep.delivered, deadMs: raw.keep.dead },
    drainMs: raw.drain,
    locale: raw.locale,
    timeZone,
  };
}

/** The store that a config names, or the default one; `undefined` if what it names is none. */
function storeOf({ store }: Record<string, unknown>): string | undefined {
  return schema.shape.store.safeParse(store).data;
}

function localeOf({ locale }: Record<string, unknown>): Locale | undefined {
  return localeNames.find((name) => name === locale);
}

/** Deepest nesting of a config; one that holds itself has no end. */
const MAX_DEPTH = 30;

/** The secrets of a config, what is wrong with those that cannot be read, and the files that they were read from. */
interface SecretsRead {
  secrets: string[];
  issues: ConfigIssue[];
  files: PrivateFile[];
  /** Every text of the config. */
  texts: ConfigText[];
}

/**
 * A copy of the config with every {@link ReadableSecret} in it read; one that cannot be read stays as it is.
 * @param read Is added to.
 */
function readSecrets(
  value: unknown,
  folder: string,
  path: readonly PropertyKey[],
  read: SecretsRead,
): unknown {
  const { secrets, issues, files, texts } = read;
  if (value instanceof ReadableSecret) {
    try {
      const text = value.read(folder);
      secrets.push(text);
      texts.push({ path, text, variable: value.variable });
      const file = value.fileIn(folder);
      if (file !== undefined) files.push({ path: formatPath(path), file, kind: "named" });
      return text;
    } catch (error) {
      issues.push({ path: formatPath(path), message: messageOf(error) });
      return value;
    }
  }
  if (path.length > MAX_DEPTH) {
    issues.push({ path: formatPath(path.slice(0, 3)), message: "is nested too deeply" });
    return undefined;
  }
  if (Array.isArray(value)) return value.map((one, at) => readSecrets(one, folder, [...path, at], read));
  if (typeof value === "string") texts.push({ path, text: value });
  if (!isObject(value)) return value;
  // The options of a part lie where its author wrote them: one level up.
  if (isPart(value)) return { ...value, options: readSecrets(value.options, folder, path, read) };
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, readSecrets(one, folder, [...path, key], read)]),
  );
}

interface BuildingKind<Built> extends Kind {
  build(name: string, options: unknown, context: TargetContext): Built;
}

/**
 * Builds the sources or targets of a config, each by its kind.
 * @param makers The functions that make such parts, by name.
 */
function buildParts<Built>(
  what: Role,
  makers: object,
  definitions: unknown,
  context: TargetContext,
  secrets: readonly string[],
): { built: Built[]; issues: ConfigIssue[] } {
  const built: Built[] = [];
  const issues: ConfigIssue[] = [];
  const entries = Object.entries(isObject(definitions) ? definitions : {});
  if (isObject(definitions) && entries.length === 0) {
    issues.push({ path: `${what}s`, message: `expected at least one ${what}` });
  }
  for (const [name, definition] of entries) {
    const base = [`${what}s`, name];
    const part = partOf<BuildingKind<Built>>(what, definition);
    if (!part) {
      const known = Object.keys(makers).map((one) => `${one}()`).join(", ");
      issues.push({ path: formatPath(base), message: `expected a ${what} made by one of ${known}` });
      continue;
    }
    const { kind, options } = part;
    const parsed = kind.schema.safeParse(options ?? {});
    if (parsed.success) built.push(kind.build(name, parsed.data, context));
    else issues.push(...issuesOf(parsed.error, options, base, secrets));
  }
  return { built, issues };
}
