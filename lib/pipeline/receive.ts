/** Receiving: the public listener. Bytes come in, are checked, and are answered once they are on disk. */

import { Hono } from "hono";
import { explain, StoreError } from "../errors.ts";
import { parsePayload } from "../event.ts";
import { isDebug, log, maskHeaders } from "../log.ts";
import { ackDuration, countSource, eventsReceived } from "../metrics.ts";
import type { Refusal } from "../refusal.ts";
import type { BoundedSource } from "../sources/source.ts";
import type { Accept, AcceptConfig } from "./accept.ts";
import { textAnswer } from "../http/answer.ts";
import type { BodyProblem } from "../http/body.ts";
import type { Handler, Incoming } from "../http/incoming.ts";
import { networkOf } from "../http/network.ts";
import { clientAddress } from "./client.ts";
import { Windows } from "./window.ts";

/** What receiving needs to know of the config. */
export interface ReceiveConfig extends AcceptConfig {
  sources: readonly BoundedSource[];
  /** How many proxies in front may say, in `X-Forwarded-For`, who the client is. */
  trustedProxies: number;
  /** Told of each request that is refused. */
  onRefused?(source: string, reason: Refusal): void;
}

/** The answers that are given most: made once, since each is made of nothing but its text. */
const answers = {
  stored: textAnswer(200, "OK"),
  duplicate: textAnswer(200, "Already processed"),
  unsigned: textAnswer(401, "Signature verification failed"),
};

/** Seconds after which a sender may try again what could not be taken. */
const RETRY_SECONDS = 5;

/**
 * Answers requests to the public listener. The caller keeps `clients`, so that a new config begins with no clean slate.
 * @param clients Counts requests by source and client.
 */
export function createReceive(config: ReceiveConfig, accept: Accept, clients: Windows): Handler {
  const app = new Hono<{ Bindings: { incoming: Incoming } }>();
  for (const source of config.sources) {
    countSource(source.name);
    app.all(
      source.path,
      (c) =>
        c.req.method === "POST"
          ? receive(c.env.incoming, source)
          : textAnswer(405, "Method not allowed", { Allow: "POST" }),
    );
  }
  app.get("/healthz", () => textAnswer(200, "OK"));
  app.notFound(() => textAnswer(404, "Not found"));
  app.onError((error) => {
    log.error("cannot answer a request: {problem}", { problem: error.message });
    return laterAnswer("The event cannot be taken now");
  });

  async function receive(incoming: Incoming, source: BoundedSource): Promise<Response> {
    const receivedAt = Date.now();
    const startedAt = performance.now();
    const client = clientAddress(incoming.client, incoming.header("X-Forwarded-For"), config.trustedProxies);
    const refuse = (reason: Refusal, answer: Response, problem?: string) => {
      // The one refusal that is this machine's fault, and that somebody must do something about.
      const level = reason === "store_failed" ? "error" : "warn";
      const words = problem === undefined ? "{reason}" : "{reason}, {problem}";
      log[level](`refused a request to {source} from {client}: ${words}`, {
        source: source.name,
        client,
        reason,
        status: answer.status,
        problem,
      });
      eventsReceived.inc({ source: source.name, result: reason });
      config.onRefused?.(source.name, reason);
      return answer;
    };
    if (isDebug()) {
      log.debug("request to {source}", {
        source: source.name,
        headers: maskHeaders(incoming.request().headers, source.signatureHeader),
      });
    }

    if (source.rateLimit) {
      const waitMs = clients.enter(`${source.name} ${networkOf(client)}`, source.rateLimit, startedAt);
      if (waitMs > 0) {
        const retry = { "Retry-After": String(Math.ceil(waitMs / 1000)) };
        return refuse("rate_limited", textAnswer(429, "Too many requests", retry));
      }
    }

    const body = await incoming.body(source.maxBodyBytes);
    if (typeof body === "string") return refuse(`body_${body}`, answerTo(body, source));

    const signature = incoming.header(source.signatureHeader);
    const verification = source.verify(body, signature);
    if (!verification.ok) return refuse(verification.reason, answers.unsigned);

    const parsed = parsePayload(body);
    if (isDebug()) {
      log.debug("body of a genuine request to {source}", { source: source.name, body: new TextDecoder().decode(body) });
    }
    if ("problem" in parsed) return refuse("body_invalid", textAnswer(400, parsed.problem), parsed.problem);

    const contentType = incoming.header("Content-Type");
    const headers = { ...(contentType && { "Content-Type": contentType }), [source.signatureHeader]: signature! };
    try {
      const { payload } = parsed;
      const { secretIndex } = verification;
      const result = await accept({ source, body, payload, headers, secretIndex, receivedAt }, config);
      eventsReceived.inc({ source: source.name, result });
      ackDuration.observe((performance.now() - startedAt) / 1000);
      return answers[result];
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return refuse("store_failed", laterAnswer("The event cannot be stored now"), explain(error));
    }
  }

  // Of a request, the router looks at nothing but method and URL.
  return async (incoming) => app.fetch(incoming as unknown as Request, { incoming });
}

/** What a sender is told whose body could not be read. */
function answerTo(problem: BodyProblem, source: BoundedSource): Response {
  switch (problem) {
    case "too_large":
      return textAnswer(413, `The body is larger than ${source.maxBodyBytes} bytes`);
    case "cut":
      return textAnswer(400, "The body was cut short");
    case "late":
      return textAnswer(408, "The body did not arrive in time");
    case "encoded":
      return textAnswer(
        415,
        "The body is encoded; send it as it is, with neither Content-Encoding nor a Transfer-Encoding but chunked",
      );
    case "no_room":
      return laterAnswer("The event cannot be taken now");
  }
}

/** Asks a sender to try again. */
function laterAnswer(text: string): Response {
  return textAnswer(503, text, { "Retry-After": String(RETRY_SECONDS) });
}
