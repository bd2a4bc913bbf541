/** ConnectVets' API in a config: where a route or a target takes a note's details from. */

import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { expected, options, text } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { OWN_LANE } from "../own_lane.ts";
import type { Warning } from "../warnings.ts";
import type { Note } from "./note.ts";

/** Options of `connectvetsApi()`. */
export interface ConnectvetsApiOptions {
  /** The API key, `cvn_live_…` or `cvn_test_…`. */
  key: SecretText;
  /** Asks the sandbox, with a `cvn_test_…` key. Default: `false`. */
  sandbox?: boolean;
  /**
   * `true` delivers without the note if the API does not give it: at once if there is none or the API refuses, after a
   * minute if the API fails or its limit is reached. Default: `false`, relay waits, tries again, and may give up.
   */
  optional?: boolean;
  /** Another address of the API, such as a proxy, or a server in your tests. */
  url?: string;
}

/** Where a note's details come from, made by `connectvetsApi()`. */
export interface NoteApi<Optional extends boolean = boolean> extends ConnectvetsApiOptions {
  readonly api: "connectvets";
  readonly optional: Optional;
}

/** Asks the ConnectVets API for the note before a delivery. Functions of the message see it as `e.note`. */
export function connectvetsApi(options: ConnectvetsApiOptions & { optional?: false }): NoteApi<false>;
export function connectvetsApi(options: ConnectvetsApiOptions): NoteApi<true>;
export function connectvetsApi(options: ConnectvetsApiOptions): NoteApi {
  return { ...options, api: "connectvets", optional: options.optional ?? false };
}

/** What a message function sees beside the payload, by the `enrich` of its route or target. */
export type Noted<Api> = [Extract<Api, NoteApi>] extends [never] ? unknown
  : [Extract<Api, NoteApi>] extends [NoteApi<false>] ? { note: Note }
  : { note?: Note };

/** Access to the API at work. */
export interface ApiAccess {
  url: string;
  key: string;
  isOptional: boolean;
  /** Names the lane of its account, whose limit it is, without its key. */
  lane: string;
}

const bases = {
  production: "https://api.connectvets.com.br/notes/v1",
  sandbox: "https://api-sandbox.connectvets.com.br/notes/v1",
};

/** Reads a {@link NoteApi}. */
export const apiAccess = z.pipe(
  options({
    api: z.literal("connectvets", expected((words) => words.config.expectations.api)),
    key: text((words) => words.config.expectations.apiKey, /^[\x21-\x7e]+$/),
    sandbox: z._default(z.boolean(), false),
    optional: z._default(z.boolean(), false),
    url: z.optional(z.url({ protocol: /^https?$/, error: expected((words) => words.config.expectations.httpsUrl) })),
  }),
  z.transform(({ key, sandbox, optional, url }): ApiAccess => {
    const base = (url ?? bases[sandbox ? "sandbox" : "production"]).replace(/\/+$/, "");
    const account = createHash("sha256").update(`${base}\0${key}`).digest("hex").slice(0, 16);
    return { url: base, key, isOptional: optional, lane: `${OWN_LANE}connectvets ${account}` };
  }),
);

/** What an operator should know of an access that is sound: `undefined` if there is nothing. */
export function apiWarning({ url, key }: ApiAccess): Warning | undefined {
  if (url === bases.production && key.startsWith("cvn_test_")) return (words) => words.sandboxKey;
  if (url === bases.sandbox && key.startsWith("cvn_live_")) return (words) => words.productionKey;
  return undefined;
}
