/** Senders of a cluster: each posts to the balancer, again until it is answered 200, and notes when. */

import { post } from "../load.ts";
import type { Random } from "../random.ts";
import { sleep } from "../../helpers/wait.ts";
import type { Posted } from "./judge/mod.ts";
import { KEYS, targetsOf } from "./targets.ts";

export interface ClusterLoad {
  /** What was sent, in that order; entries are completed when they are acknowledged. */
  posted: Posted[];
  /** What was refused with a status that no genuine event may get. */
  refused: { number: number; status: number; at: number }[];
  /** Sends this number of events at once, beside the others. Resolves when each is acknowledged. */
  burst(numbers: number, isWanted: (number: number) => boolean): Promise<void>;
  /** Begins no more events, and resolves when each that was begun is acknowledged, or after the time-out. */
  stop(timeoutMs: number): Promise<void>;
}

/** A relay that cannot store says so by it, and a balancer that reaches none or hears nothing. */
const LATER_STATUSES = [502, 503, 504];

/** Time between two posts of the same event, in milliseconds. */
const AGAIN_MS = 100;

/** Targets that an event must reach, or may. */
export interface Reach {
  must?: readonly string[];
  may?: readonly string[];
}

/**
 * Starts to send.
 * @param further Targets of an event that is sent now, beside those of {@link targetsOf}.
 */
export function startClusterLoad(
  url: string,
  { perSecond, clients, random }: { perSecond: number; clients: number; random: Random },
  further: (number: number) => Reach = () => ({}),
): ClusterLoad {
  const posted: Posted[] = [];
  const refused: ClusterLoad["refused"] = [];
  let next = 0;
  let isStopping = false;
  let hasGivenUp = false;

  async function send(number: number): Promise<void> {
    const { must = [], may } = further(number);
    const event: Posted = {
      number,
      key: `k${Math.floor(random() * KEYS)}`,
      sentAt: Date.now(),
      targets: [...targetsOf(number), ...must],
      mayReach: may,
    };
    posted.push(event);
    const body = bodyOf(event);
    while (!hasGivenUp) {
      const status = await post(url, body);
      if (status === 200) return void (event.acknowledgedAt = Date.now());
      if (status !== undefined && !LATER_STATUSES.includes(status)) refused.push({ number, status, at: Date.now() });
      await sleep(AGAIN_MS);
    }
  }

  async function client(): Promise<void> {
    const pauseMs = 1_000 * clients / perSecond;
    for (let at = Date.now() + random() * pauseMs; !isStopping; at = Math.max(at + pauseMs, Date.now() - pauseMs)) {
      await sleep(Math.max(at - Date.now(), 0));
      if (!isStopping) await send(next++);
    }
  }

  const ended = Promise.all(Array.from({ length: clients }, client));
  return {
    posted,
    refused,
    async burst(numbers, isWanted) {
      const sent: Promise<void>[] = [];
      while (sent.length < numbers) {
        const number = next++;
        if (isWanted(number)) sent.push(send(number));
      }
      await Promise.all(sent);
    },
    async stop(timeoutMs) {
      isStopping = true;
      await Promise.race([ended, sleep(timeoutMs)]);
      hasGivenUp = true;
    },
  };
}

function bodyOf({ number, key, sentAt }: Posted): string {
  const data = { note_id: String(number), status: "completed", external_id: key };
  return JSON.stringify({ event: "note.completed", timestamp: new Date(sentAt).toISOString(), data });
}
