/** `firstOf()`: targets of a route that are told one after the other, until one of them has the event. */

import * as z from "zod/mini";
import type { ChainUntil } from "../event.ts";
import { isObject } from "../json.ts";
import { expected, text, unknownKeys } from "../options.ts";
import type { ChainRule } from "../pipeline/route.ts";
import { type Duration, duration } from "../units.ts";

const MAX_WITHIN_MS = 7 * 86_400_000;

/** Targets that get an event one after the other, made by `firstOf()`. */
export interface Chain<TargetName extends string = string> {
  readonly firstOf: readonly TargetName[];
  readonly within?: Duration;
  readonly until?: ChainUntil;
}

/** When `firstOf()` goes on to the next target. */
export interface ChainOptions {
  /** How long each target has, at most 7 days. The next one also begins as soon as this one is dead. Default: `"10m"`. */
  within?: Duration;
  /**
   * What is enough, so that no further target is told. `"delivered"`: the target took it, or its receipt says delivered,
   * where it has receipts. `"read"`: its receipt says read. Default: `"delivered"`.
   */
  until?: ChainUntil;
}

/** Tells the first of these targets, and each next one only if those before it failed or took too long. */
export function firstOf<const TargetName extends string>(
  targets: readonly [TargetName, TargetName, ...TargetName[]],
  options: ChainOptions = {},
): Chain<TargetName> {
  return { ...options, firstOf: targets };
}

const targetName = text((words) => words.config.expectations.targetName, () => true);

/** Options of `firstOf()`, of which its names are none. */
const optionShape = {
  within: z._default(
    duration.check(
      z.refine((ms) => ms > 0, expected((words) => words.config.expectations.moreThan(0))),
      z.refine((ms) => ms <= MAX_WITHIN_MS, expected((words) => words.config.expectations.atMostDays(7))),
    ),
    600_000,
  ),
  until: z._default(z.enum(["delivered", "read"]), "delivered"),
};

const unknownOption = unknownKeys(optionShape);
const wanted = expected((words) => words.config.expectations.targetNames);
const twoNames = expected((words) => words.config.expectations.chainNames);

const chain = z.strictObject({
  firstOf: z.array(targetName, twoNames).check(
    z.minLength(2, twoNames),
    z.refine((names) => new Set(names).size === names.length, twoNames),
  ),
  ...optionShape,
}, { error: (issue) => unknownOption(issue) ?? wanted });

type ReadChain = z.output<typeof chain>;

/** What a route's `to` may be: a name, a chain, or a list of both. */
export const destinations = z.pipe(
  z.union([
    z.pipe(z.string(), z.transform((one) => [one])),
    z.pipe(chain, z.transform((one) => [one])),
    z.array(
      z.union([z.string(), chain], { error: expected((words) => words.config.expectations.targetNameOrChain) }),
    ).check(z.minLength(1, expected((words) => words.config.expectations.atLeastOne))),
  ], { error: wanted }),
  z.transform((all: (string | ReadChain)[]): { to: string[]; chains: ChainRule[] } => ({
    to: all.flatMap((one) => typeof one === "string" ? one : one.firstOf),
    chains: all.flatMap((one) =>
      typeof one === "string" ? [] : { targets: one.firstOf, withinMs: one.within, until: one.until }
    ),
  })),
);

/** A name in a route's `to`, and where it is written there. */
export interface WrittenName {
  name: unknown;
  at: readonly PropertyKey[];
  isOfChain: boolean;
}

/** The names in a route's `to` as its author wrote it. */
export function writtenNames(to: unknown): WrittenName[] {
  const within = (one: unknown, at: readonly PropertyKey[]): WrittenName[] =>
    isObject(one) && Array.isArray(one.firstOf)
      ? one.firstOf.map((name, index) => ({ name, at: [...at, "firstOf", index], isOfChain: true }))
      : [{ name: one, at, isOfChain: false }];
  return Array.isArray(to) ? to.flatMap((one, index) => within(one, [index])) : within(to, []);
}
