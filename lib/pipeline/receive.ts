/** Receiving: the public listener. Requests come in, are verified, and are answered once they are on disk. */

import { Hono } from "hono";
import type { Clock } from "../clock.ts";
import { explain, StoreError } from "../errors.ts";
import { textAnswer } from "../http/answer.ts";
import type { Handler, Incoming } from "../http/incoming.ts";
import { networkOf } from "../http/network.ts";
import { isDebug, log, maskHeaders } from "../log.ts";
import { ackDuration, countSource, eventsReceived } from "../metrics.ts";
import type { Refusal } from "../refusal.ts";
import type { ReceiptStore } from "../store/receipts.ts";
import type { BoundedSource } from "../sources/source.ts";
import type { Accept, AcceptConfig } from "./accept.ts";
import {
  answers,
  bodyAnswer,
  handshakeAnswer,
  laterAnswer,
  methodAnswer,
  refusalAnswer,
  tooManyAnswer,
} from "./answers.ts";
import { clientAddress } from "./client.ts";
import { createHear, receiptPaths } from "./receipts.ts";
import { verify } from "./verify.ts";
import type { Windows } from "../window.ts";

/** What receiving needs to know of the config. */
export interface ReceiveConfig extends AcceptConfig {
  sources: readonly BoundedSource[];
  /** How many proxies in front are trusted to say, in `X-Forwarded-For`, who the client is. */
  trustedProxies: number;
  /** Called for each refused request. */
  onRefused?(source: string, reason: Refusal): void;
}

/**
 * Answers requests to the public listener. The caller keeps `clients`, so that a new config does not reset the counts.
 * @param clients Counts requests by source and client.
 */
export function createReceive(
  config: ReceiveConfig,
  accept: Accept,
  receipts: Pick<ReceiptStore, "hear">,
  clients: Windows,
  clock: Clock,
): Handler {
  const app = new Hono<{ Bindings: { incoming: Incoming } }>();
  for (const source of config.sources) {
    countSource(source.name);
    app.all(source.path, (c) => receive(c.env.incoming, source));
  }
  const hear = createHear(receipts, config, clock);
  for (const path of receiptPaths(config.targets.values())) {
    app.all(path.endpoint.path, (c) => hear(c.env.incoming, path));
  }
  app.get("/healthz", () => textAnswer(200, "OK"));
  app.notFound(() => textAnswer(404, "Not found"));
  app.onError((error) => {
    log.error("cannot answer a request: {problem}", { problem: error.message });
    return laterAnswer("The event cannot be taken now");
  });

  async function receive(incoming: Incoming, source: BoundedSource): Promise<Response> {
    if (incoming.method !== "POST" && !source.handshake) return methodAnswer();
    const receivedAt = clock.now();
    const startedAt = clock.monotonic();
    const client = clientAddress(incoming.client, incoming.header("X-Forwarded-For"), config.trustedProxies);
    const refuse = (reason: Refusal, answer: Response, problem?: string) => {
      logRefused(source, client, reason, answer.status, problem);
      eventsReceived.inc({ source: source.name, result: reason });
      config.onRefused?.(source.name, reason);
      return answer;
    };
    if (isDebug()) {
      const headers = maskHeaders(incoming.request().headers, source.signatureHeaders);
      log.debug("request to {source}", { source: source.name, headers });
    }

    if (source.rateLimit) {
      const waitMs = clients.enter(`${source.name} ${networkOf(client)}`, source.rateLimit, startedAt);
      if (waitMs > 0) return refuse("rate_limited", tooManyAnswer(waitMs));
    }

    const body = await incoming.body(source.maxBodyBytes);
    if (typeof body === "string") return refuse(`body_${body}`, bodyAnswer(body, source.maxBodyBytes));

    const verified = verify(incoming, source, body, receivedAt);
    if (!verified) return methodAnswer();
    if (!verified.ok) return refuse(verified.reason, refusalAnswer(verified), verified.problem);
    if (!("event" in verified)) {
      log.info("answered a handshake of {source} with {client}", { source: source.name, client });
      return handshakeAnswer(verified);
    }

    try {
      const { event, headers, secretIndex } = verified;
      const result = await accept({ source, event, body, headers, secretIndex, receivedAt }, config);
      eventsReceived.inc({ source: source.name, result });
      ackDuration.observe((clock.monotonic() - startedAt) / 1000);
      return answers[result];
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return refuse("store_failed", laterAnswer("The event cannot be stored now"), explain(error));
    }
  }

  // The router reads only a request's method and URL.
  return async (incoming) => app.fetch(incoming as unknown as Request, { incoming });
}

function logRefused(source: BoundedSource, client: string, reason: Refusal, status: number, problem?: string): void {
  // The only refusal that is this machine's fault, and that someone has to act on.
  const level = reason === "store_failed" ? "error" : "warn";
  const words = problem === undefined ? "{reason}" : "{reason}, {problem}";
  log[level](`refused a request to {source} from {client}: ${words}`, {
    source: source.name,
    client,
    reason,
    status,
    problem,
  });
}
