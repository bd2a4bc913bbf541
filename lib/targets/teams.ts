/**
 * Delivers to Microsoft Teams, by a workflow that posts what its webhook receives.
 * @see https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498
 */

import * as z from "zod/mini";
import type { NoteApi } from "../connectvets/api.ts";
import { escapeTeams, writeCard, writeTextCard } from "../messages/teams_card.ts";
import { expected, options } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { type ChatOptions, chatShape, defineChat } from "./chat.ts";
import { secretsOfUrl } from "./exchange.ts";
import type { TargetDefinition } from "./target.ts";
import { post, type Vendor } from "./vendor.ts";

/** Options of `teams()`. */
export interface TeamsOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
  /** The URL of the workflow's webhook. Whoever has it can post to the channel: use `env`. */
  url: SecretText;
}

/** Posts a card to Teams, at most 4 a second. Delivered when the workflow has started, which is all that Teams says. */
export function teams<Api extends NoteApi | undefined = undefined>(options: TeamsOptions<Api>): TargetDefinition {
  return { target: teamsTarget, options };
}

/** Most bytes of a message. Documented are about 28 KB; cards of more than 21 KB were seen to fail. */
const MAX_BYTES = 21_000;

const vendor: Vendor = {
  name: "Microsoft Teams",
  // @see https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app
  errors: [
    // A workflow that is off or deleted answers 400, a URL without a good `sig` 401.
    {
      codes: [
        "WorkflowTriggerIsNotEnabled",
        "WorkflowNotFound",
        "WorkflowDisabled",
        "AuthorizationFailed",
        "DirectApiAuthorizationRequired",
        "DirectApiInvalidAuthorizationScheme",
      ],
      statuses: [401, 403, 404, 410],
      kind: "dead",
      reason: "token_refused",
    },
    {
      codes: ["TriggerInputSchemaMismatch", "InvalidRequestContent", "RequestEntityTooLarge", 413],
      statuses: [413],
      kind: "dead",
      reason: "message_invalid",
    },
    { codes: ["TooManyRequests", 429], statuses: [429], kind: "retry", reason: "rate_limited", pauseMs: 10_000 },
  ],
  read({ status, text, json }) {
    const { code, message: said = text || undefined } = (json.error ?? {}) as { code?: unknown; message?: unknown };
    // A connector, or a workflow that has an answer of its own, may tell of an error in a 200, or of a page in its way.
    const inner = /HTTP error (\d{3})/.exec(text)?.[1];
    const isTaken = (status === 200 || status === 202) && json.error === undefined &&
      !/^\s*<|failed with error/i.test(text);
    if (isTaken) return { isTaken };
    const known = typeof code === "string" ? code : inner === undefined ? undefined : Number(inner);
    return { isTaken, code: known, said: /^\s*</.test(text) ? undefined : said };
  },
};

const schema = options({
  ...chatShape,
  url: z.url({ protocol: /^https?$/, error: expected((words) => words.config.expectations.teamsUrl) }),
});

export const teamsTarget = defineChat({
  kind: "teams",
  schema,
  escape: escapeTeams,

  compose: ({ text, notice }) => text === undefined ? writeCard(notice, MAX_BYTES) : writeTextCard(text, MAX_BYTES),

  open(options) {
    const url = new URL(options.url);
    const { origin: place, pathname, hostname } = url;
    return {
      place,
      url: options.url,
      secrets: [...secretsOfUrl(options.url), pathname],
      // @see https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
      rates: [{ perMs: 1_000, limit: 4 }],
      warnings: hostname.endsWith(".webhook.office.com") ? [(words) => words.retiredConnector] : [],
      send: (body, { attempt }, signal) => post(vendor, { url, body }, { place, attempt, signal }),
    };
  },
});
