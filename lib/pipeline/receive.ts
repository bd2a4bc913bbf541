/** Receiving: the public listener. Bytes come in, are checked, and are answered once they are on disk. */

import { Hono } from "hono";
import { StoreError } from "../errors.ts";
import { parsePayload } from "../event.ts";
import { isDebug, log, maskHeaders } from "../log.ts";
import { ackDuration, eventsReceived } from "../metrics.ts";
import type { BoundedSource } from "../sources/source.ts";
import type { Accept, AcceptConfig } from "./accept.ts";
import { Windows } from "./window.ts";

/** What receiving needs to know of the config. */
export interface ReceiveConfig extends AcceptConfig {
  sources: readonly BoundedSource[];
}

interface Bindings {
  /** Address of the other end of the connection. */
  client: string;
}

/** Answers requests to the public listener. */
export type Receive = (request: Request, client: string) => Promise<Response>;

/** Why a request was not accepted, in the operator's log. */
type Refusal =
  | "signature_missing"
  | "signature_malformed"
  | "signature_wrong"
  | "body_too_large"
  | "body_cut"
  | "body_invalid"
  | "rate_limited"
  | "store_failed";

/** Seconds after which a sender may try again what could not be stored. */
const STORE_RETRY_SECONDS = 5;

/** @param clients Counts requests by source and client; kept by the caller, so that a new config begins with no clean slate. */
export function createReceive(config: ReceiveConfig, accept: Accept, clients: Windows): Receive {
  const app = new Hono<{ Bindings: Bindings }>();
  for (const source of config.sources) {
    app.post(source.path, (c) => receive(c.req.raw, c.env.client, source));
    app.all(source.path, () => answer(405, "Method not allowed", { Allow: "POST" }));
  }
  app.get("/healthz", () => answer(200, "OK"));
  app.notFound(() => answer(404, "Not found"));
  app.onError((error) => {
    log.error("cannot answer a request: {problem}", { problem: error.message });
    return answer(503, "The event cannot be taken now", { "Retry-After": String(STORE_RETRY_SECONDS) });
  });

  async function receive(request: Request, client: string, source: BoundedSource): Promise<Response> {
    const receivedAt = Date.now();
    const startedAt = performance.now();
    const refuse = (reason: Refusal, status: number, text: string, headers?: Record<string, string>, more?: object) => {
      // The one refusal that is this machine's fault, and that somebody must do something about.
      const level = reason === "store_failed" ? "error" : "warn";
      log[level]("refused a request to {source} from {client}: {reason}", {
        source: source.name,
        client,
        reason,
        status,
        ...more,
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
      const waitMs = clients.enter(`${source.name} ${client}`, source.rateLimit, receivedAt);
      if (waitMs > 0) {
        return refuse("rate_limited", 429, "Too many requests", { "Retry-After": String(Math.ceil(waitMs / 1000)) });
      }
    }

    const body = await readBody(request, source.maxBodyBytes);
    if (body === "too large") {
      return refuse("body_too_large", 413, `The body is larger than ${source.maxBodyBytes} bytes`);
    }
    if (body === "cut") return refuse("body_cut", 400, "The body was cut short");

    const signature = request.headers.get(source.signatureHeader);
    const verification = source.verify(body, signature);
    if (!verification.ok) return refuse(verification.reason, 401, "Signature verification failed");

    const parsed = parsePayload(body);
    if (isDebug()) {
      log.debug("body of a genuine request to {source}", { source: source.name, body: new TextDecoder().decode(body) });
    }
    if ("problem" in parsed) return refuse("body_invalid", 400, parsed.problem, {}, { problem: parsed.problem });

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
      const retry = { "Retry-After": String(STORE_RETRY_SECONDS) };
      return refuse("store_failed", 503, "The event cannot be stored now", retry, {
        problem: error.message,
        hint: error.hint,
      });
    }
  }

  return async (request, client) => app.fetch(request, { client });
}

function answer(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers } });
}

/** The bytes of a body that has at most so many. */
async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | "too large" | "cut"> {
  const declared = request.headers.get("Content-Length");
  if (Number(declared) > maxBytes) return "too large";
  try {
    if (declared !== null) return new Uint8Array(await request.arrayBuffer());
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) return "too large";
      chunks.push(chunk);
    }
    return await new Blob(chunks as BlobPart[]).bytes();
  } catch {
    return "cut";
  }
}
