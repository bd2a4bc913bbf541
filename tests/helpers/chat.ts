/** Chats with servers that stand for their vendors, and one delivery to them. */

import assert from "node:assert/strict";
import type { Outcome } from "../../lib/outcome.ts";
import type { Reason } from "../../lib/reason.ts";
import type { Delivery, Target, TargetKind } from "../../lib/targets/target.ts";
import { reasonOf } from "../targets/contract.ts";
import { attempt } from "./attempt.ts";
import type { Respond, SinkRequest } from "./sink.ts";
import { makeDelivery, makeTarget, never } from "./target.ts";
import type { Shown, VendorAnswer, VendorServer } from "./vendors/server.ts";

/** A chat, with a server that stands for its vendor. */
export interface ChatSetup {
  /** Names it in the tests. */
  kind: string;
  // deno-lint-ignore no-explicit-any -- each kind reads options of its own
  target: TargetKind<any>;
  /** Starts a server that gives these answers first. */
  start(...answers: (VendorAnswer | Respond)[]): Promise<VendorServer>;
  /** Options of a target at this origin. */
  options(origin: string): Record<string, unknown>;
  secrets: string[];
  /** How much of what is limited is in a request, and the most of it. */
  size: [sizeOf: (request: SinkRequest) => number, max: number];
  /** Markup, links and mentions, as they may be in the event. */
  hostile: string;
  /** What a reader takes the text for: the characters that stand for others are those others. */
  readAs?(text: string): string;
  /** Marks that the config may use, and the effect. Absent: the chat has none. */
  bold?: [mark: string, effect: string];
  /** The vendor confirms a message by the status alone. */
  isTakenByStatus?: boolean;
  /** A limit with the time that it asks for, in milliseconds, and one without. */
  limited: [withTime: VendorAnswer, ms: number, without: VendorAnswer];
  failing: VendorAnswer;
  /** Errors that repeating does not mend. */
  permanent: [answer: VendorAnswer, reason: Reason, kind?: "retry"][];
  /** An error in an answer whose status says that all is well. */
  inside: [answer: VendorAnswer, kind: Outcome["kind"], reason: Reason];
}

/** What became of one delivery. */
export interface Sent {
  outcome: Outcome;
  target: Target;
  requests: SinkRequest[];
  /** The messages that the vendor has taken, as readers see them. */
  shown: Shown[];
}

/** Makes one attempt at a server that gives these answers first. */
export async function send(
  chat: ChatSetup,
  options: Record<string, unknown> = {},
  delivery: Delivery = makeDelivery(),
  ...answers: (VendorAnswer | Respond)[]
): Promise<Sent> {
  const server = await chat.start(...answers);
  try {
    const target = makeTarget(chat.target, { ...chat.options(server.sink.url), ...options });
    const outcome = await attempt(target, () => delivery, never);
    assert.ok(outcome);
    return { outcome, target, requests: server.sink.requests, shown: server.shown };
  } finally {
    await server.close();
  }
}

/** The one message that was taken. */
export async function show(chat: ChatSetup, options: Record<string, unknown> = {}, delivery?: Delivery) {
  const { outcome, shown } = await send(chat, options, delivery);
  assert.equal(outcome.kind, "delivered", JSON.stringify(outcome));
  assert.equal(shown.length, 1);
  return shown[0]!;
}

/** Kind, reason and pause of an outcome. */
export function pauseOf(outcome: Outcome): [string, Reason | undefined, number | undefined] {
  return [outcome.kind, reasonOf(outcome), outcome.pauseMs];
}
