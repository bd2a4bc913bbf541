/** What a target is: a place that events are delivered to, and the options that all of them share. */

import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";
import type { ApiAccess, NoteApi } from "../connectvets/api.ts";
import { apiAccess } from "../connectvets/api.ts";
import type { AnyEvent, ReadableEvent } from "../event.ts";
import type { MessageContext } from "../messages/style.ts";
import { expected, fn, options } from "../options.ts";
import type { Digest } from "./digest.ts";
import type { MessageFields } from "./message.ts";
import type { ReceiptEndpoint } from "./receipt_endpoint.ts";
import type { Dead, Deferred, Outcome, Retry } from "../outcome.ts";
import type { Reason } from "../reason.ts";
import { targetOfLane } from "../recipient.ts";
import type { Quiet } from "./quiet.ts";
import { type Duration, duration, type Rate, rate, timerDuration } from "../units.ts";
import type { Warning } from "../warnings.ts";

/** When a failed delivery is tried again. */
export type RetryOption =
  | readonly Duration[]
  | "none"
  | {
    /** The pauses between attempts. */
    schedule: readonly Duration[];
    /** How much each pause varies at random: 0.2 is 20 % shorter or longer. Default: 0.2. */
    jitter?: number;
  };

/** Options that every target takes. */
export interface TargetOptions {
  /** How long one attempt can take. Default: `"15s"`. */
  timeout?: Duration;
  /** How many attempts run at the same time. Default: 8; `http()` without `rate` goes up to 64 while answers are fast. */
  concurrency?: number;
  /** How many attempts start within a span of time. Default: what a chat allows, 2 per second by Resend, else no limit. */
  rate?: Rate;
  /** Pauses between attempts, or `"none"` for one attempt. Default: 5 s, 30 s, 2 m, 10 m, 30 m, 2 h, 5 h, 10 h. */
  retry?: RetryOption;
  /**
   * Holds a target that keeps failing, then tries it with one delivery. Deliveries that wait use up no attempt.
   * `false` never holds it.
   */
  circuit?: false | {
    /** After how many failures in a row. Default: 5. */
    failures?: number;
    /** For how long. Default: `"60s"`. */
    pause?: Duration;
  };
  /** Returns a key. Deliveries with the same key go out one after another, in the order in which the events came in. */
  order?: (event: AnyEvent) => string;
}

/** The option of targets that make a message from the event. */
export interface EnrichOptions<Api extends NoteApi | undefined> {
  /** Asks the ConnectVets API for the note before the delivery, with `connectvetsApi()`. Functions see it as `e.note`. */
  enrich?: Api;
}

/** The zod shape of {@link EnrichOptions}. */
export const enrichShape = { enrich: z.optional(apiAccess) };

/** A target in a config, made by a function such as `http()`, `slack()` or `whatsapp()`. */
export interface TargetDefinition {
  readonly target: object;
  readonly options: unknown;
}

/** When deliveries are tried, and tried again. */
export interface Policy {
  timeoutMs: number;
  /** Most attempts at the same time. */
  concurrency: number;
  /** Most while the target answers quickly, where that is more. */
  quickConcurrency?: number;
  /** All of them hold. */
  rates: readonly { perMs: number; limit: number }[];
  retry?: RetryPolicy;
  circuit?: CircuitPolicy;
  order?: (event: unknown) => unknown;
  /** Hours in which nothing starts. */
  quiet?: Quiet;
  /** Deliveries gather, and go out as one message. Only where {@link Target.deliverAll} is. */
  digest?: Digest;
}

/** A circuit opens after so many failures in a row, for so many milliseconds. */
export interface CircuitPolicy {
  failures: number;
  pauseMs: number;
}

/** Whether a target is held; the store still says so of one whose circuit was switched off since. */
export function isHeld({ circuit }: Policy, circuitOpenUntil: string | null): boolean {
  return circuit !== undefined && circuitOpenUntil !== null;
}

/** Pauses in milliseconds, and the part of each by which it is moved at random. */
export interface RetryPolicy {
  scheduleMs: readonly number[];
  jitter: number;
}

const schedule = z.array(duration);

/** Reads a {@link RetryOption}. */
export const retryPolicy: z.ZodMiniType<RetryPolicy, unknown> = z.union([
  z.pipe(schedule, z.transform((scheduleMs) => ({ scheduleMs, jitter: 0.2 }))),
  z.pipe(z.literal("none"), z.transform(() => ({ scheduleMs: [], jitter: 0 }))),
  z.pipe(
    options({ schedule, jitter: z._default(z.number().check(z.minimum(0), z.maximum(1)), 0.2) }),
    z.transform(({ schedule, jitter }) => ({ scheduleMs: schedule, jitter })),
  ),
], { error: expected((words) => words.config.expectations.retry, meantRetry) });

/** Whoever wants no retries says so in many ways. */
function meantRetry(value: unknown): string | undefined {
  return value === false || value === 0 || /^(never|no|off|false|0)$/i.test(String(value)) ? '"none"' : undefined;
}

const circuitPolicy = z.union([
  z.pipe(z.literal(false), z.transform(() => undefined)),
  z.pipe(
    options({ failures: z._default(z.int().check(z.positive()), 5), pause: z._default(timerDuration, 60_000) }),
    z.transform(({ failures, pause }) => ({ failures, pauseMs: pause })),
  ),
], { error: expected((words) => words.config.expectations.circuit) });

/** The zod shape of {@link TargetOptions}. */
export const targetShape = {
  timeout: z.optional(
    timerDuration.check(z.refine((ms) => ms > 0, expected((words) => words.config.expectations.moreThan(0)))),
  ),
  concurrency: z.optional(z.int().check(z.positive())),
  rate: z.optional(rate),
  retry: z.optional(retryPolicy),
  circuit: z.prefault(circuitPolicy, {}),
  order: z.optional(fn),
};

/** The policy that these options ask for. */
export function policyOf(
  options: z.output<z.ZodMiniObject<typeof targetShape>>,
  defaults: { rates?: Policy["rates"]; quickConcurrency?: number } = {},
): Policy {
  const rates = options.rate ? [options.rate] : defaults.rates ?? [];
  return {
    timeoutMs: options.timeout ?? 15_000,
    concurrency: options.concurrency ?? 8,
    quickConcurrency: options.concurrency === undefined && rates.length === 0 ? defaults.quickConcurrency : undefined,
    rates,
    retry: options.retry,
    circuit: options.circuit,
    order: options.order,
  };
}

/** What a target is given to deliver. */
export interface Delivery {
  /** UUIDv7; the same in every attempt. */
  id: string;
  /** 1 for the first attempt. */
  attempt: number;
  event: ReadableEvent;
  /** What the route says of the message; it goes before what the target says. */
  message: MessageFields;
  /** Why the previous attempt failed, be it that a receipt said so later. Absent: there was none, or it is not known. */
  lastReason?: Reason;
}

/** A target at work. */
export interface Target {
  readonly name: string;
  readonly kind: string;
  readonly policy: Policy;
  /** Where it delivers to, without any secret. */
  readonly address: string;
  /** The whole URL that it posts to, of a target that does. It may hold a secret, so it is compared and never shown. */
  readonly url?: string;
  /** Values that must not be printed. */
  readonly secrets: readonly string[];
  /** What an operator should know before it runs, such as a script that is not there. */
  readonly warnings: readonly Warning[];
  /** Where the note comes from that its messages are made of as well. */
  readonly enrich?: ApiAccess;
  /** Whether what it sends with these fields is the bytes received, for which no note is needed. Absent: never. */
  sendsBytes?(message: MessageFields): boolean;
  /**
   * What would be sent for this event.
   * @throws {MessageError} if a message function fails or gives what cannot be sent.
   */
  render(event: ReadableEvent, message: MessageFields): Record<string, unknown>;
  /**
   * Makes one attempt. The signal ends it early; what is returned then does not count.
   * @throws {MessageError} as {@link Target.render} does.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome | Deferred>;
  /**
   * What would be sent of several events in one message. Absent: it makes no such message.
   * @throws {MessageError} as {@link Target.render} does.
   */
  renderAll?(deliveries: readonly Pick<Delivery, "event">[]): Record<string, unknown>;
  /**
   * Makes one attempt to deliver several in one message, in this order.
   * @throws {MessageError} as {@link Target.render} does.
   */
  deliverAll?(deliveries: readonly Delivery[], signal: AbortSignal): Promise<Outcome | Deferred>;
  /** A delivery that failed last for this reason goes out in a message of its own. */
  aloneAfter?: Reason;
  /**
   * What becomes of a delivery that others await no longer than until its lane is open again, at that time in Unix
   * milliseconds. Absent: it is made all the same.
   */
  expired?(opensAt: number): Dead;
  /** Its recipients, each a target at work with a lane of its own, `NAME/RECIPIENT`; nothing is delivered to the whole. */
  readonly recipients?: readonly Target[];
  /** The target that this is a recipient of: all recipients share its `concurrency` and `rates`, and have their own. */
  readonly whole?: Pick<Target, "name" | "policy">;
  /** Where its vendor tells what became of messages, for a target that is told. */
  readonly receipts?: ReceiptEndpoint;
  /** What a failure of which its vendor tells later means for it. Absent: as it stands. */
  judgeLate?(failure: Retry | Dead): Retry | Dead;
  /** Lets go of connections that are kept. */
  close?(): void;
}

/** The lanes of a target: its own, or those of its recipients. */
export function lanesOf(target: Target): readonly Target[] {
  return target.recipients ?? [target];
}

/** What is delivered to in each lane, by the lane's name. */
export function lanesOfAll(targets: Iterable<Target>): Map<string, Target> {
  return new Map([...targets].flatMap(lanesOf).map((one) => [one.name, one]));
}

/** The names of the lanes of the target of this name; its own if the config has no such target. */
export function laneNames(targets: ReadonlyMap<string, Target>, target: string): string[] {
  const found = targets.get(target);
  return found ? lanesOf(found).map(({ name }) => name) : [target];
}

/** What is delivered to in the lane of this name; `undefined` if the config has no such lane any more. */
export function targetInLane(targets: ReadonlyMap<string, Target>, lane: string): Target | undefined {
  const target = targets.get(targetOfLane(lane));
  return target && lanesOf(target).find(({ name }) => name === lane);
}

/** Whether two targets, such as those of one name in two configs, deliver to the same place. */
export function isSamePlace(one: Target, other: Target): boolean {
  return one.kind === other.kind && one.address === other.address && one.url === other.url &&
    isDeepStrictEqual(one.secrets, other.secrets);
}

/** What a target's building needs to know of the config around it. */
export interface TargetContext extends MessageContext {
  /** The config's folder. */
  folder: string;
}

/** A kind of target: its schema, and how its options become a target at work. */
export interface TargetKind<Options> {
  readonly schema: z.ZodMiniType<Options>;
  /** Message fields that it sends, of those a route can give. */
  readonly fields: readonly (keyof MessageFields)[];
  build(name: string, options: Options, context: TargetContext): Target;
}
