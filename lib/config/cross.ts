/** Mistakes that only show when the parts of a config are seen together, and what is sound but should be known. */

import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { type ApiAccess, apiWarning } from "../connectvets/api.ts";
import type { ConfigIssue } from "../errors.ts";
import { isObject } from "../json.ts";
import { isEverywhere } from "../listener_url.ts";
import type { Language } from "../locale/mod.ts";
import { sayUnknown } from "../nearest.ts";
import { isLoopback } from "../outbound/addresses.ts";
import { SYSTEM_SOURCE } from "../system_event.ts";
import { partOf } from "../part.ts";
import type { ChainRule } from "../pipeline/route.ts";
import { targetOfLane } from "../recipient.ts";
import type { Source } from "../sources/source.ts";
import type { Phrase } from "../locale/phrase.ts";
import { messageFields } from "../targets/message.ts";
import type { Target, TargetKind } from "../targets/target.ts";
import type { ConfigWarning } from "../warnings.ts";
import { type WrittenName, writtenNames } from "./first_of.ts";
import { formatPath, parsePath, type Path } from "./path.ts";
import { patternWarning } from "./pattern_warnings.ts";

/** Mistakes in what a config file exports; what is of the wrong form is passed over, and reported elsewhere. */
export function crossIssues(top: Record<string, unknown>): ConfigIssue[] {
  return [
    ...routeIssues(top),
    ...sourceNameIssues(top),
    ...targetNameIssues(top),
    ...pathIssues(top),
    ...adminIssues(top),
  ];
}

/** A target that is called as the recipient of another one would take its deliveries. */
function targetNameIssues({ targets }: Record<string, unknown>): ConfigIssue[] {
  const names = isObject(targets) ? Object.keys(targets) : [];
  return names.filter((name) => targetOfLane(name) !== name).map((name) => ({
    path: formatPath(["targets", name]),
    message: ({ config }) => config.recipientName,
    at: { path: ["targets", name], marksKey: true },
  }));
}

function sourceNameIssues({ sources }: Record<string, unknown>): ConfigIssue[] {
  if (!isObject(sources) || !Object.hasOwn(sources, SYSTEM_SOURCE)) return [];
  return [{
    path: `sources.${SYSTEM_SOURCE}`,
    message: ({ config }) => config.systemSource,
    at: { path: ["sources", SYSTEM_SOURCE], marksKey: true },
  }];
}

function routeIssues(top: Record<string, unknown>): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const targets = isObject(top.targets) ? top.targets : {};
  const names = Object.keys(targets);
  const checkTarget = (path: string, name: unknown, at = parsePath(path)) => {
    if (typeof name !== "string" || names.length === 0 || names.includes(name)) return;
    issues.push({ path, message: sayUnknown("target", name, names), at: { path: at } });
  };
  const kindOf = (name: unknown) => {
    const definition = names.includes(String(name)) ? targets[String(name)] : undefined;
    return partOf<TargetKind<unknown>>("target", definition)?.kind;
  };
  const routes: unknown[] = Array.isArray(top.routes) ? top.routes : [];
  routes.forEach((route, index) => {
    if (!isObject(route)) return;
    const to = writtenNames(route.to);
    const path = `routes[${index}].to`;
    for (const { name, at } of to) checkTarget(path, name, ["routes", index, "to", ...at]);
    issues.push(...repeatedIssues(path, to, ["routes", index, "to"]));
    const kinds = to.map(({ name }) => kindOf(name));
    for (const field of messageFields) {
      if (route[field] === undefined || kinds.some((kind) => !kind || kind.fields.includes(field))) continue;
      const message: Phrase = ({ config }) => config.noSuchField(field);
      issues.push({
        path: `routes[${index}].${field}`,
        message,
        at: { path: ["routes", index, field], marksKey: true },
      });
    }
  });
  checkTarget("fallback", top.fallback);
  const alerts: unknown[] = Array.isArray(top.alerts) ? top.alerts : [];
  alerts.forEach((alert, index) => isObject(alert) && checkTarget(`alerts[${index}].to`, alert.to));
  return issues;
}

/** A target of a chain is named nowhere else in its route: it would not be clear when it is told. */
function repeatedIssues(path: string, names: readonly WrittenName[], base: Path): ConfigIssue[] {
  const isRepeated = ({ name, at, isOfChain }: WrittenName, index: number) =>
    names.slice(0, index).some((other) =>
      other.name === name && (isOfChain || other.isOfChain) && !isSameChain(at, other.at)
    );
  return names.filter(isRepeated).map(({ name, at }) => ({
    path,
    message: ({ config }) => config.namedTwice(String(name)),
    at: { path: [...base, ...at] },
  }));
}

/** Whether both stand in one chain, which says so itself of a name that it has twice. */
function isSameChain(one: Path, other: Path): boolean {
  return one.length === other.length && one.length > 1 &&
    one.slice(0, -1).every((step, index) => step === other[index]);
}

function pathIssues(top: Record<string, unknown>): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const owners = new Map<unknown, string>();
  for (const [name, definition] of Object.entries(isObject(top.sources) ? top.sources : {})) {
    const options = partOf("source", definition)?.options;
    const taken = isObject(options) ? options.path : undefined;
    if (typeof taken !== "string") continue;
    const path = formatPath(["sources", name, "path"]);
    const owner = owners.get(taken);
    if (owner) issues.push({ path, message: ({ config }) => config.pathTaken(taken, owner) });
    if (taken === "/healthz") issues.push({ path, message: ({ config }) => config.pathOfHealth });
    owners.set(taken, name);
  }
  // Targets of one app share a path, and have to agree about it.
  const shared = new Map<string, { receipts: unknown; gateway?: object }>();
  for (const [name, definition] of Object.entries(isObject(top.targets) ? top.targets : {})) {
    const options = partOf("target", definition)?.options;
    const receipts = isObject(options) ? options.receipts : undefined;
    const taken = isObject(receipts) ? receipts.path : undefined;
    if (typeof taken !== "string") continue;
    const path = formatPath(["targets", name, "receipts", "path"]);
    const owner = owners.get(taken);
    if (owner) issues.push({ path, message: ({ config }) => config.pathTaken(taken, owner) });
    if (taken === "/healthz") issues.push({ path, message: ({ config }) => config.pathOfHealth });
    const own = { receipts, gateway: partOf("gateway", isObject(options) ? options.via : undefined)?.kind };
    const first = shared.get(taken) ?? own;
    shared.set(taken, first);
    if (first.gateway === own.gateway && isDeepStrictEqual(first.receipts, receipts)) continue;
    issues.push({ path, message: ({ config }) => config.receiptsDiffer(taken) });
  }
  return issues;
}

/** Where the two listeners are, unless the config says otherwise. */
export const defaultListen = { host: "0.0.0.0", port: 3000 };
export const defaultAdmin = { host: "127.0.0.1", port: 9300 };

function adminIssues(top: Record<string, unknown>): ConfigIssue[] {
  if (top.admin === false) return [];
  const given = isObject(top.admin) ? top.admin : {};
  const admin = { ...defaultAdmin, ...given };
  const listen = { ...defaultListen, ...(isObject(top.listen) ? top.listen : {}) };
  const isSamePlace = admin.port !== 0 && admin.port === listen.port &&
    (admin.host === listen.host || isEverywhere(String(admin.host)) || isEverywhere(String(listen.host)));
  const { host } = admin;
  const needsToken = typeof host === "string" && host !== "" && !isLoopback(host) && given.token === undefined;
  return [
    ...(isSamePlace
      ? [{
        path: "admin.port",
        message: ({ config }: Language) => config.samePort(admin.port),
        at: { path: given.port === undefined ? ["listen", "port"] : ["admin", "port"] },
      }]
      : []),
    ...(needsToken ? [{ path: "admin.token", message: ({ config }: Language) => config.tokenMissing(host) }] : []),
  ];
}

/** What an operator should know of a sound config. */
export function warningsOf(
  sources: readonly Source[],
  targets: readonly Target[],
  routes: readonly {
    on: readonly string[];
    to: readonly string[];
    chains: readonly ChainRule[];
    enrich?: ApiAccess;
    body?: unknown;
  }[],
  alerts: readonly { when: { silent?: string } }[],
  adminToken?: string,
): ConfigWarning[] {
  const isOfConnectvets = sources.some(({ kind }) => kind === "connectvets");
  const aboutPattern = (path: string, pattern: string | undefined): ConfigWarning[] => {
    const warning = pattern === undefined ? undefined : patternWarning(pattern, isOfConnectvets);
    return warning ? [{ path, warning }] : [];
  };
  const secrets = [
    ...sources.map(({ name, secrets }) => ({ path: `sources.${name}.secret`, secrets })),
    { path: "admin.token", secrets: adminToken === undefined ? [] : [adminToken] },
  ];
  return [
    ...secrets.filter(({ secrets }) => secrets.some((secret) => Buffer.byteLength(secret) < 16))
      .map(({ path }): ConfigWarning => ({
        path,
        warning: (words) => words.shortSecret,
        todo: { isFirst: true, say: (words) => words.longSecret(path) },
      })),
    ...targets.flatMap(({ name, warnings }) => warnings.map((warning) => ({ path: `targets.${name}`, warning }))),
    ...targets.flatMap(({ name, enrich }) => enrichWarnings(`targets.${name}.enrich`, enrich)),
    ...targets.flatMap(({ name, policy: { quiet } }) =>
      quiet?.except.flatMap((pattern, at) => aboutPattern(`targets.${name}.quiet.except[${at}]`, pattern)) ?? []
    ),
    ...routes.flatMap(({ on }, index) =>
      on.flatMap((pattern, at) => aboutPattern(`routes[${index}].on${on.length > 1 ? `[${at}]` : ""}`, pattern))
    ),
    ...alerts.flatMap(({ when }, index) => aboutPattern(`alerts[${index}].when.silent`, when.silent)),
    ...routes.flatMap(({ chains }, index) =>
      chains.flatMap((chain) => chainWarnings(`routes[${index}].to`, chain, targets))
    ),
    ...routes.flatMap(({ to, enrich, body }, index) => {
      const path = `routes[${index}].enrich`;
      const isIdle = targets.filter(({ name }) => to.includes(name)).every((target) => target.sendsBytes?.({ body }));
      const idle: ConfigWarning = { path, warning: (words) => words.idleEnrich };
      return [...enrichWarnings(path, enrich), ...(enrich && isIdle ? [idle] : [])];
    }),
  ];
}

/** A target without receipts never says that somebody read its message, so that such a chain always goes on. */
function chainWarnings(
  path: string,
  { targets: names, until }: ChainRule,
  targets: readonly Target[],
): ConfigWarning[] {
  if (until !== "read") return [];
  const silent = targets.filter(({ name, receipts }) => names.includes(name) && receipts === undefined);
  return silent.map(({ name }) => ({ path, warning: (words) => words.neverRead(name) }));
}

function enrichWarnings(path: string, enrich: ApiAccess | undefined): ConfigWarning[] {
  const warning = enrich && apiWarning(enrich);
  return warning ? [{ path, warning }] : [];
}
