/** A sender: posts distinct signed events, and posts each again until it is answered 200. */

import { sign } from "../helpers/relay.ts";
import type { Respond, SinkRequest } from "../helpers/sink.ts";
import { sleep } from "../helpers/wait.ts";
import type { Arrival, Ledger } from "./ledger.ts";

export interface Load {
  /**
   * Begins no more events, and resolves when each that was begun is acknowledged.
   * @throws {Error} if one never is, or is refused.
   */
  stop(): Promise<void>;
}

/** How long one event is posted again and again, in milliseconds. */
const GIVE_UP_MS = 30_000;

/** Starts to post events to this URL, from so many clients at once. */
export function startLoad(
  url: string,
  ledger: Ledger,
  { clients, perSecond }: { clients: number; perSecond: number },
): Load {
  let isStopping = false;

  async function client(): Promise<void> {
    const pauseMs = 1_000 * clients / perSecond;
    for (let next = Date.now() + Math.random() * pauseMs; !isStopping; next += pauseMs) {
      await sleep(Math.max(next - Date.now(), 0));
      const number = ledger.post();
      await postUntilTaken(url, eventOf(number));
      ledger.acknowledge(number);
      next = Math.max(next, Date.now() - pauseMs); // what a dead relay has missed does not come as a flood
    }
  }

  const ended = Promise.all(Array.from({ length: clients }, client));
  ended.catch(() => {}); // it is told by `stop`
  return {
    async stop() {
      isStopping = true;
      await ended;
    },
  };
}

/** The body of an event: every tenth is a `note.failed`. */
export function eventOf(number: number): string {
  const event = isFailed(number) ? "note.failed" : "note.completed";
  return JSON.stringify({ event, timestamp: new Date().toISOString(), data: { note_id: String(number) } });
}

export function isFailed(number: number): boolean {
  return number % 10 === 0;
}

/** Posts a body as often as it takes. */
export async function postUntilTaken(url: string, body: string): Promise<void> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (;;) {
    const status = await post(url, body);
    if (status === 200) return;
    if (status !== undefined && status !== 503) throw new Error(`The relay refused a genuine event with ${status}`);
    if (Date.now() > giveUpAt) throw new Error(`The relay did not take an event within ${GIVE_UP_MS} ms`);
    await sleep(20);
  }
}

/** The answer's status; `undefined` if there was none. */
export async function post(url: string, body: string): Promise<number | undefined> {
  try {
    const headers = { "Content-Type": "application/json", "X-ConnectVets-Signature": sign(body) };
    const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(5_000) });
    await response.text();
    return response.status;
  } catch {
    return undefined;
  }
}

/**
 * Makes a sink's behaviour one that keeps account of what arrives.
 * @param takes Whether the behaviour tells the relay that the event was taken.
 */
export function accounted(ledger: Ledger, target: string, respond: Respond, takes = true): Respond {
  return (response, request, count) => {
    ledger.arrive(arrivalOf(request, target, takes));
    respond(response, request, count);
  };
}

function arrivalOf({ headers, body }: SinkRequest, target: string, isTaken: boolean): Arrival {
  const isGenuine = headers["x-connectvets-signature"] === sign(body);
  return {
    number: isGenuine ? numberOf(body.toString()) : NaN,
    target,
    deliveryId: String(headers["relay-delivery-id"]),
    life: Number(headers.life ?? 1),
    isTaken,
  };
}

/** The number of the event with this body; `NaN` if it is none. */
export function numberOf(body: string): number {
  try {
    return Number(JSON.parse(body).data.note_id);
  } catch {
    return NaN;
  }
}
