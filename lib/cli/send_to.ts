/** `relay send --to`: does a target take what it is sent? */

import { ExitCode, RelayError } from "../errors.ts";
import { parseId } from "../id.ts";
import { lateFailure } from "../operator/late_failure.ts";
import { heldAt } from "../operator/status.ts";
import { sendTest } from "../operator/test_message.ts";
import { isNamed } from "../recipient.ts";
import type { DeliveryStory } from "../store/operator.ts";
import { lanesOfAll } from "../targets/target.ts";
import { heldSentence } from "./event_sentences.ts";
import { showAttempts } from "./follow.ts";
import { formatAt, words } from "./language.ts";
import { printJson, say, sourceOf, type SourceOptions } from "./shared.ts";
import { type OpenStore, unknownTarget, withWritableStore } from "./store.ts";

/** How much longer than the target's own time-out the first attempt is waited for, in milliseconds. */
const SLACK_MS = 3_000;

interface Options extends SourceOptions {
  to: string;
  data?: string;
  url?: string;
  /** Follow the delivery for so many milliseconds, to its end; else to its first attempt. */
  waitMs?: number;
}

/** Stores a test message for one target, and waits until `relay serve` has tried to deliver it. */
export async function sendTo(event: string | undefined, options: Options): Promise<void> {
  if ((event ?? options.data ?? options.url) !== undefined) {
    throw new RelayError(
      ({ send: { test } }) => test.cannot(test.toAlone),
      ({ send }) => send.test.toAloneHint,
      ExitCode.usage,
    );
  }
  await withWritableStore(options, (open) => sendAndWait(open, options));
}

async function sendAndWait(open: OpenStore, { to, source, json, waitMs }: Options): Promise<void> {
  const { store, loaded } = open;
  const { targets } = loaded.config;
  const lanes = [...lanesOfAll(targets.values()).values()].filter(({ name }) => isNamed(name, to));
  if (lanes.length === 0) throw unknownTarget("sendTest", to, [...targets.keys()]);
  const holds = await store.lanes.holds();
  for (const lane of lanes) {
    const held = heldAt(store.time.now(), lane, holds.get(lane.name));
    if (held && !json) say(heldSentence(lane.name, held, formatAt(store.time.now())));
  }
  const names = lanes.map(({ name }) => name);
  const sent = await sendTest(store, { target: to, lanes: names }, sourceOf(loaded, source), store.time.now());
  const deliveries = await showAttempts(open, parseId(sent.event)!, {
    until: waitMs === undefined ? "tried" : "ended",
    patienceMs: waitMs ?? Math.max(...lanes.map(({ policy }) => policy.timeoutMs)) + SLACK_MS,
    isQuiet: json,
  });
  if (json) {
    const made = sent.deliveries.map((id) => ({ id, ...lastOf(deliveries.find((one) => one.id === id)) }));
    const { state, reason, status, detail, answer, receipt } = made[0]!;
    const all = made.map((one, at) => ({ ...one, target: names[at] }));
    return printJson(
      { ...sent, target: to, state, reason, status, detail, answer, receipt, deliveries: all },
      loaded.redact,
    );
  }
  say(words.send.follow.seeEvent(sent.event));
}

/** How a delivery is, its last attempt, and what came of that; of an event that was deleted meanwhile nothing is known. */
function lastOf(delivery?: DeliveryStory) {
  const { state = "pending", history = [], receipt = null } = delivery ?? {};
  const last = history.at(-1);
  const { status = null, answer = null } = last ?? {};
  const { reason = null, detail = null } = (delivery && lateFailure(delivery)) ?? last ?? {};
  return { state, reason, status, detail, answer, receipt };
}
