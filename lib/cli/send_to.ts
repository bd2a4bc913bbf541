/** `relay send --to`: does a target take what it is sent? */

import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { ExitCode, RelayError } from "../errors.ts";
import { parseId } from "../id.ts";
import { visible } from "../log.ts";
import { sendTest } from "../operator/test_message.ts";
import { unknownName } from "../options.ts";
import type { DeliveryStory } from "../store/operator.ts";
import { locale } from "./language.ts";
import { print, printJson, sourceOf, type SourceOptions } from "./shared.ts";
import { type OpenStore, withWritableStore } from "./store.ts";

/** How much longer than the target's own time-out the first attempt is waited for, in milliseconds. */
const SLACK_MS = 3_000;

/** How often its outcome is polled, in milliseconds. */
const LOOK_MS = 100;

interface Options extends SourceOptions {
  to: string;
  data?: string;
  url?: string;
}

/** Stores a test message for one target, and waits until `relay serve` has tried to deliver it. */
export async function sendTo(event: string | undefined, options: Options): Promise<void> {
  if ((event ?? options.data ?? options.url) !== undefined) {
    throw new RelayError(
      "Cannot send a test message: --to goes without an event, --data and --url",
      "`relay send` without --to sends a sample the way that all events come in",
      ExitCode.usage,
    );
  }
  await withWritableStore(options, (open) => sendAndWait(open, options));
}

async function sendAndWait({ store, loaded }: OpenStore, { to, source, json }: Options): Promise<void> {
  const names = [...loaded.config.targets.keys()];
  if (!names.includes(to)) {
    throw new RelayError(`Cannot send a test message: ${unknownName("target", to, names)}`, undefined, ExitCode.usage);
  }
  const sent = await sendTest(store, to, sourceOf(loaded, source), store.time.now());
  const patience = loaded.config.targets.get(to)!.policy.timeoutMs + SLACK_MS;
  const delivery = await triedDelivery(() => store.story(parseId(sent.event)!), patience);
  if (delivery.state !== "delivered") process.exitCode = ExitCode.failed;
  const [attempt] = delivery.history;
  if (json) {
    const { status = null, answer = null, detail = null, reason = null } = attempt ?? {};
    return printJson({ ...sent, target: to, state: delivery.state, reason, status, detail, answer }, loaded.redact);
  }
  print(loaded.redact(visible(resultOf(to, delivery))), `\`relay events ${sent.event}\` tells more`);
}

/** The message's one delivery, as soon as an attempt was made, or as it is after so many milliseconds. */
async function triedDelivery(
  look: () => Promise<{ deliveries: DeliveryStory[] } | undefined>,
  patience: number,
): Promise<DeliveryStory> {
  const until = performance.now() + patience;
  for (;;) {
    const [delivery] = (await look())!.deliveries;
    if (delivery!.history.length > 0 || performance.now() > until) return delivery!;
    await delay(LOOK_MS);
  }
}

function resultOf(target: string, { state, history: [attempt] }: DeliveryStory): string {
  if (!attempt) {
    return `${target}: not tried yet, the message waits; does \`relay serve\` run, and what says \`relay status\`?`;
  }
  const took = `${attempt.durationMs} ms`;
  if (state === "delivered") return `${target}: delivered in ${took}`;
  const again = state === "dead" ? "it is a dead letter" : "it will be tried again";
  return `${target}: ${attempt.reason} after ${took}, ${again}: ${attempt.detail?.in(locale) ?? ""}`;
}
