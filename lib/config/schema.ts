/** Reads what a config file exports: every mistake at once, or the config at work. */

import * as z from "zod/mini";
import type { Alert } from "../alert.ts";
import { type ApiAccess, apiAccess } from "../connectvets/api.ts";
import type { ConfigIssue, ToldConfig } from "../errors.ts";
import type { PrivateFile } from "../exposure.ts";
import { isObject } from "../json.ts";
import { type Locale, localeNames } from "../locale/mod.ts";
import { localeShape } from "../messages/style.ts";
import { meantKind } from "../near_miss.ts";
import { type Expectation, expected, fn, options, text } from "../options.ts";
import type { RouteRule } from "../pipeline/route.ts";
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
import { condition } from "./alerts.ts";
import { crossIssues, defaultAdmin, defaultListen, warningsOf } from "./cross.ts";
import { destinations } from "./first_of.ts";
import { issuesOf } from "./issues.ts";
import { buildParts } from "./parts.ts";
import { readSecrets, type SecretsRead } from "./read_secrets.ts";
import { DEFAULT_STORE, storeSecrets, storeText } from "./store.ts";
import { placeholderWarnings } from "./placeholders.ts";
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

const DAY_MS = 86_400_000;

const isHostAlone = (url: string) =>
  URL.canParse(url) && /^https?:/i.test(url) && new URL(url).href === `${new URL(url).origin}/`;

const token = text((words) => words.config.expectations.token, /[^]/);
const publicUrl = z.pipe(
  text((words) => words.config.expectations.publicUrl, isHostAlone),
  z.transform((url) => new URL(url).origin),
);
const pem = text((words) => words.config.expectations.pem, /[^]/);
const tls = options(
  { cert: pem, key: pem },
  (words) => words.config.expectations.such('{ cert: "./fullchain.pem", key: "./privkey.pem" }'),
);
const host = text((words) => words.config.expectations.host, /[^]/);
const port = z.int().check(z.minimum(0), z.maximum(65_535));
const target = text((words) => words.config.expectations.targetName, () => true);

/** One text, or several. */
const oneOrMore = (what: Expectation, one: Expectation) =>
  z.union([
    z.pipe(z.string(), z.transform((one) => [one])),
    z.array(text(one, () => true)).check(z.minLength(1, expected((words) => words.config.expectations.atLeastOne))),
  ], { error: expected(what) });

/** An object as it may be written, with the port or the host that was found in its place. */
const such = (example: string): Expectation => (words, value) =>
  words.config.expectations.such(withPort(example, value));

function withPort(example: string, value: unknown): string {
  return /^\d{1,5}$/.test(String(value)) ? example.replace(/\d+/, String(value)) : example;
}

const schema = options({
  listen: z.prefault(
    options(
      { host: z._default(host, defaultListen.host), port: z._default(port, defaultListen.port), tls: z.optional(tls) },
      such("{ port: 3000 }"),
    ),
    {},
  ),
  admin: z.prefault(
    z.union([
      z.literal(false),
      options({
        host: z._default(host, defaultAdmin.host),
        port: z._default(port, defaultAdmin.port),
        token: z.optional(token),
        publicUrl: z.optional(publicUrl),
      }),
    ], { error: expected((words, value) => words.config.expectations.admin(withPort("{ port: 9300 }", value))) }),
    {},
  ),
  store: z._default(storeText, DEFAULT_STORE),
  sources: z.record(
    z.string(),
    z.unknown(),
    expected(such('{ connectvets: connectvets({ path: "/webhook", secret: env("CONNECTVETS_SECRET") }) }')),
  ),
  targets: z.record(z.string(), z.unknown(), expected(such('{ crm: http({ url: "https://crm.example/webhook" }) }'))),
  routes: z.array(
    options({
      on: oneOrMore((words) => words.config.expectations.events, (words) => words.config.expectations.pattern),
      to: destinations,
      when: z.optional(fn),
      enrich: z.optional(apiAccess),
      ...messageShape,
    }, such('{ on: "note.failed", to: "crm" }')),
    expected((words) => words.config.expectations.list('[{ on: "note.failed", to: "crm" }]')),
  ),
  fallback: z.optional(target),
  alerts: z._default(
    z.array(
      options({ when: condition, to: target }, such('{ when: { dead: 1 }, to: "crm" }')),
      expected((words) => words.config.expectations.list('[{ when: { dead: 1 }, to: "crm" }]')),
    ),
    [],
  ),
  maxBody: z._default(size, 1024 ** 2),
  rateLimit: z.optional(rate),
  maxBacklog: z.optional(z.int().check(z.positive())),
  trustProxy: z._default(
    z.union([z.pipe(z.boolean(), z.transform(Number)), z.int().check(z.nonnegative())], {
      error: expected((words) => words.config.expectations.proxies, (value) => meantKind(value, "int")),
    }),
    0,
  ),
  retry: z._default(retryPolicy, defaultRetry),
  keep: z.prefault(
    options(
      { delivered: z._default(duration, 30 * DAY_MS), dead: z._default(duration, 90 * DAY_MS) },
      such('{ delivered: "30d", dead: "90d" }'),
    ),
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
  const { alerts = [], admin } = parsed.data ?? {};
  const routes = (parsed.data?.routes ?? []).map(({ to, ...route }) => ({ ...route, ...to }));
  const adminToken = admin ? admin.token : undefined;
  const found = {
    issues: [...secretIssues, ...issues],
    warnings: [
      ...keyPair.warnings,
      ...placeholderWarnings(read.texts),
      ...warningsOf(sources.built, targets.built, routes, alerts, adminToken),
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
    routes: raw.routes.map(({ on, to, when, enrich, ...message }) => ({ on, ...to, when, message, enrich })),
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
