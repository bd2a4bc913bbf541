/** A server that answers as ConnectVets documents its API: notes, errors, and limits that it enforces. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The key that the server takes. */
export const API_KEY = "cvn_test_0123456789abcdef";

/** A request that came in. */
export interface ApiRequest {
  /** Unix milliseconds. */
  at: number;
  id: string;
  status: number;
}

export interface ConnectvetsApi {
  /** Base of the API. */
  url: string;
  requests: ApiRequest[];
  /** Requests for which a note was given. */
  given(): ApiRequest[];
  /** What it does before it looks for the note; set anew at will. */
  before: (answer: { status: number; retryAfter?: string; body?: string } | "hang" | "slow" | undefined) => void;
  close(): Promise<void>;
}

/** A note as the server gives it; one whose id ends in "404" it does not know. */
export function noteData(id: string) {
  return {
    id,
    name: `Rex ${id.slice(-4)}`,
    gender: "male",
    audio_name: "consulta_rex.wav",
    audio_url: "https://example.invalid/audio",
    transcription_status: "completed",
    transcription_url: "https://example.invalid/text",
    external_id: "CLIENTE_123",
    metadata: [{ key: "procedimento", value: "vacina" }],
    created_at: "2024-02-14T18:25:43Z",
    updated_at: "2024-02-14T18:30:23Z",
    note_sections: [
      { id: "b", title: "Conduta", label: "conduta", content: "Texto clínico B", order: "2" },
      { id: "a", title: "Anamnese", label: "anamnese", content: "Texto clínico A", order: "1" },
    ],
  };
}

const words: Record<number, string> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  429: "too_many_requests",
};

/**
 * Enforces the limit of a minute and that of an hour by sliding windows; requests that it refuses for it do not count.
 * @param tellsLimits Whether its answers say how much is left of them.
 */
export async function startConnectvetsApi({ tellsLimits = true } = {}): Promise<ConnectvetsApi> {
  const limits = { minute: 100, hour: 1_000 };
  const requests: ApiRequest[] = [];
  const taken: number[] = [];
  let forced: Parameters<ConnectvetsApi["before"]>[0];
  const server = createServer((request, response) => {
    const now = Date.now();
    const [, id = ""] = /^\/notes\/v1\/notes\/([^/?]+)$/.exec(request.url ?? "") ?? [];
    const within = (ms: number) => taken.filter((time) => time > now - ms);
    const [minute, hour] = [within(60_000), within(3_600_000)];
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      requests.push({ at: now, id, status });
      if (status !== 429) taken.push(now);
      const left = limits.minute - within(60_000).length;
      response.writeHead(status, {
        "Content-Type": "application/json",
        ...(tellsLimits && {
          "X-RateLimit-Limit-Minute": String(limits.minute),
          "X-RateLimit-Remaining-Minute": String(Math.max(0, left)),
          "X-RateLimit-Reset-Minute": String(Math.ceil(((minute[0] ?? now) + 60_000) / 1000)),
        }),
        ...headers,
      }).end(typeof body === "string" ? body : JSON.stringify(body));
    };
    const refuse = (status: number, headers?: Record<string, string>) =>
      answer(status, { error: words[status] ?? "error", message: "…", code: String(status), details: {} }, headers);
    if (forced === "hang") return void requests.push({ at: now, id, status: 0 });
    if (forced === "slow") return void setTimeout(() => answer(200, { data: noteData(id) }), 300);
    if (forced) {
      const { status, retryAfter, body } = forced;
      const headers: Record<string, string> = retryAfter ? { "Retry-After": retryAfter } : {};
      return body === undefined ? refuse(status, headers) : answer(status, body, headers);
    }
    if (minute.length >= limits.minute) {
      return refuse(429, { "Retry-After": String(Math.ceil((minute[0]! + 60_000 - now) / 1000)) });
    }
    if (hour.length >= limits.hour) {
      return refuse(429, { "Retry-After": String(Math.ceil((hour[0]! + 3_600_000 - now) / 1000)) });
    }
    if (request.headers["x-api-key"] !== API_KEY) return refuse(401);
    if (request.method !== "GET" || id === "" || id.endsWith("404")) return refuse(404);
    answer(200, { data: noteData(id) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes/v1`,
    requests,
    given: () => requests.filter(({ status }) => status === 200),
    before: (answer) => forced = answer,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
