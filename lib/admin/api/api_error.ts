/** What the API answers where it cannot do what it was asked. */

import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { RelayError } from "../../errors.ts";
import { problem } from "./schemas.ts";

/** The API's application. */
export type Api = OpenAPIHono;

/** A request that cannot be met, with its HTTP status. */
export class ApiError extends RelayError {
  constructor(readonly status: ContentfulStatusCode, message: string, hint?: string) {
    super(message, hint);
  }
}

const reasons = {
  400: "The request cannot be read",
  401: "The token is missing or wrong",
  403: "Another site asks, or the host is not the listener's",
  404: "There is no such thing",
  413: "The body is too large",
  415: "The body is not JSON",
  503: "The store cannot be read or written now",
} as const;

/** The answers of a route that cannot do what it is asked, for the document. */
export function problems<Status extends keyof typeof reasons>(...statuses: Status[]): RouteConfig["responses"] {
  const content = { "application/json": { schema: problem } };
  const all = [...statuses, 401, 403, 503] as const;
  return Object.fromEntries(all.map((status) => [status, { description: reasons[status], content }]));
}

/** A good answer, for the document. */
export function ok<Schema>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}
