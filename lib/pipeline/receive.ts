/** Receiving: the public listener. Bytes come in, are checked, and are answered once they are on disk. */

import { Hono } from "hono";
import { explain, StoreError } from "../errors.ts";
import { parsePayload } from "../event.ts";
import { isDebug, log, maskHeaders } from "../log.ts";
import { ackDuration, countSource, eventsReceived } from "../metrics.ts";
import type { BoundedSource } from "../sources/source.ts";
import type { Accept, AcceptConfig } from "./accept.ts";
import { Bodies, type BodyProblem } from "./body.ts";
import { clientAddress, networkOf } from "./client.ts";
import { Windows } from "./window.ts";

/** What receiving needs to know of the config. */
export interface ReceiveConfig extends AcceptConfig {
  sources: readonly BoundedSource[];
  /** How many proxies in front may say, in `X-Forwarded-For`, who the client is. */
  trustedProxies: number;
}

interface Bindings {
  /** Address of the other end of the connection. */
  client: string;
}

/** Answers requests to the public listener; `client` is the address of the other end of the connection. */
export type Receive = (request: Request, client: string) => Promise<Response>;

type Headings = Record<string, string>;

/** Why a request was not accepted, in the operator's log. */
type Refusal =
  | "signature_missing"
  | "signature_malformed"
  | "signature_wrong"
  | `body_${BodyProblem | "invalid"}`
  | "rate_limited"
  | "store_failed";

/** Seconds after which a sender may try again what could not be taken. */
const RETRY_SECONDS = 5;

/**
 * The caller keeps `clients` and `bodies`, so that a new config begins with no clean slate.
 * @param clients Counts requests by source and client.
 */
export function createReceive(config: ReceiveConfig, accept: Accept, clients: Windows, bodies = new Bodies()): Receive {
  const app = new Hono<{ Bindings: Bindings }>();
  for (const source of config.sources) {
    countSource(source.name);
    app.all(
      source.path,
      (c) =>
        c.req.method === "POST"
          ? receive(c.req.raw, c.env.client, source)
          : answer(405, "Method not allowed", { Allow: "POST" }),
    );
  }
  app.get("/healthz", () => answer(200, "OK"));
  app.notFound(() => answer(404, "Not found"));
  app.onError((error) => {
    log.error("cannot answer a request: {problem}", { problem: error.message });
    return answer(503, "The event cannot be taken now", { "Retry-After": String(RETRY_SECONDS) });
  });

  async function receive(request: Request, connection: string, source: BoundedSource): Promise<Response> {
    const receivedAt = Date.now();
    const startedAt = performance.now();
    const client = clientAddress(connection, request.headers.get("X-Forwarded-For"), config.trustedProxies);
    const refuse = (reason: Refusal, status: number, text: string, headers?: Headings, problem?: string) => {
      // The one refusal that is this machine's fault, and that somebody must do something about.
      const level = reason === "store_failed" ? "error" : "warn";
      const words = problem === undefined ? "{reason}" : "{reason}, {problem}";
      log[level](`refused a request to {source} from {client}: ${words}`, {
        source: source.name,
        client,
        reason,
        status,
        problem,
      });
      eventsReceived.inc({ source: source.name, result: reason });
      return answer(status, text, headers);
    };
    if (isDebug()) {
      log.debug("request to {source}", {
        source: source.name,
        headers: maskHeaders(request.headers, source.signatureHeader),
      });
    }

    if (source.rateLimit) {
      const waitMs = clients.enter(`${source.name} ${networkOf(client)}`, source.rateLimit, startedAt);
      if (waitMs > 0) {
        return refuse("rate_limited", 429, "Too many requests", { "Retry-After": String(Math.ceil(waitMs / 1000)) });
      }
    }

    const body = await bodies.read(request, source.maxBodyBytes);
    if (typeof body === "string") {
      const [status, text, headers] = answerTo(body, source);
      return refuse(`body_${body}`, status, text, headers);
    }

    const signature = request.headers.get(source.signatureHeader);
    const verification = source.verify(body, signature);
    if (!verification.ok) return refuse(verification.reason, 401, "Signature verification failed");

    const parsed = parsePayload(body);
    if (isDebug()) {
      log.debug("body of a genuine request to {source}", { source: source.name, body: new TextDecoder().decode(body) });
    }
    if ("problem" in parsed) return refuse("body_invalid", 400, parsed.problem, {}, parsed.problem);

    const contentType = request.headers.get("Content-Type");
    const headers = { ...(contentType && { "Content-Type": contentType }), [source.signatureHeader]: signature! };
    try {
      const { payload } = parsed;
      const { secretIndex } = verification;
      const result = await accept({ source, body, payload, headers, secretIndex, receivedAt }, config);
      eventsReceived.inc({ source: source.name, result });
      ackDuration.observe((performance.now() - startedAt) / 1000);
      return answer(200, result === "stored" ? "OK" : "Already processed");
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const retry = { "Retry-After": String(RETRY_SECONDS) };
      return refuse("store_failed", 503, "The event cannot be stored now", retry, explain(error));
    }
  }

  /** What a sender is told whose body could not be read. Where more of it may come, the connection ends. */
  function answerTo(problem: BodyProblem, source: BoundedSource): [status: number, text: string, headers?: Headings] {
    switch (problem) {
      case "too_large":
        return [413, `The body is larger than ${source.maxBodyBytes} bytes`];
      case "cut":
        return [400, "The body was cut short"];
      case "late":
        return [408, `The body did not arrive within ${bodies.timeoutMs / 1000} s`, { Connection: "close" }];
      case "no_room":
        return [503, "The event cannot be taken now", { Connection: "close", "Retry-After": String(RETRY_SECONDS) }];
    }
  }

  return async (request, client) => app.fetch(request, { client });
}

function answer(status: number, text: string, headers: Headings = {}): Response {
  return new Response(text, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
}
