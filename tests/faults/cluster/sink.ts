/** Where a cluster's relays deliver to: it notes when each delivery began and ended, and answers after a while. */

import { Buffer } from "node:buffer";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { sign } from "../../helpers/relay.ts";
import { numberOf } from "../load.ts";
import type { Random } from "../random.ts";
import { bodyOf } from "./body.ts";
import type { Arrival } from "./judge/mod.ts";
import { allTargets, type ClusterTarget } from "./targets.ts";

export interface ClusterSink {
  /** A target's URL is this and its name. */
  url: string;
  /** What came, in the order in which it began; entries of what is under way are completed later. */
  arrivals: Arrival[];
  /** Says what a target answers from now on; `undefined` for 200. */
  answer(target: string, status: ((arrival: Arrival) => number | undefined) | undefined): void;
  close(): Promise<void>;
}

/** The name of the header by which a relay says who it is. */
export const RELAY_HEADER = "Relay-Name";

/**
 * Starts a sink for all targets on loopback.
 * @param clockOf How far a relay's clock is off, in milliseconds.
 * @param takesMs How long each target takes to answer, in milliseconds: at least, at most. Default: as long as it says itself.
 */
export async function startClusterSink(
  random: Random,
  clockOf = (_relay: string) => 0,
  takesMs?: [number, number],
): Promise<ClusterSink> {
  const arrivals: Arrival[] = [];
  const statuses = new Map<string, (arrival: Arrival) => number | undefined>();
  const connections = new WeakMap<Socket, number>();
  let connectionCount = 0;

  const server = createServer(async (request, response) => {
    const arrival: Arrival = {
      ...headOf(request),
      number: NaN,
      connection: connections.get(request.socket)!,
      startedAt: Date.now(),
      isTaken: false,
    };
    arrivals.push(arrival);
    const gone = new AbortController();
    response.on("close", () => { // the relay may have ended, or given up
      arrival.endedAt ??= Date.now();
      gone.abort();
    });
    const target = allTargets[arrival.target];
    const body = await bodyOf(request).catch(() => undefined);
    if (!body) return;
    arrival.number = target ? genuineNumber(request.headers, body, target) : NaN;
    if (target?.isStamped && !Number.isNaN(arrival.number)) {
      arrival.begunAt = JSON.parse(body.toString()).begunAt - clockOf(arrival.relay);
    }
    const [least, most] = takesMs ?? target?.takesMs ?? [0, 0];
    await setTimeout(least + random() * (most - least), undefined, { signal: gone.signal }).catch(() => {});
    if (arrival.endedAt !== undefined) return;
    const status = statuses.get(arrival.target)?.(arrival) ?? 200;
    arrival.endedAt = Date.now();
    arrival.isTaken = status === 200;
    response.writeHead(status).end();
  });
  server.keepAliveTimeout = 60_000; // longer than the relay's own: it never closes as a request is on its way
  server.on("connection", (socket) => connections.set(socket, ++connectionCount));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    arrivals,
    answer(target, status) {
      if (status) statuses.set(target, status);
      else statuses.delete(target);
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** What a request's head says of the delivery. */
function headOf({ url = "", headers }: IncomingMessage) {
  const text = (name: string) => String(headers[name.toLowerCase()]);
  return {
    target: url.slice(1),
    deliveryId: text("Relay-Delivery-Id"),
    eventId: text("Relay-Event-Id"),
    attempt: Number(text("Relay-Attempt")),
    relay: text(RELAY_HEADER),
  };
}

/** The event's number; `NaN` if it is not as it was sent, or lacks the note that it needs. */
function genuineNumber(headers: IncomingHttpHeaders, body: Buffer, { hasNotes, isStamped }: ClusterTarget): number {
  const text = body.toString();
  if (isStamped || hasNotes) return text.includes(isStamped ? '"begunAt":' : '"note":"Rex ') ? numberOf(text) : NaN;
  return headers["x-connectvets-signature"] === sign(body) ? numberOf(text) : NaN;
}
