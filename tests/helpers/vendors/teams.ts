/** A server that takes cards as a workflow of Microsoft Teams does. @see https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features */

import type { Respond } from "../sink.ts";
import { escaped, link, list, pair, readMarkup, type Rule } from "./markup.ts";
import { type Shown, startVendor, type VendorAnswer, type VendorServer } from "./server.ts";

export const PATH =
  "/workflows/8f3bd9f1c4f94b0f8ad4cd5b1e2b6c77/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=s3cr3t-T0KEN_sig";

const WORD = "[\\p{L}\\p{N}]";
const rules: readonly Rule[] = [
  { pattern: /\{\{(?:DATE|TIME)\([^)]*\)\}\}/y, effect: "date", shows: (match) => match[0], isPlain: true },
  escaped,
  { pattern: /&(?:lt|gt|amp|quot|#\d+);/y, effect: "entity", shows: (match) => match[0], isPlain: true },
  link,
  list,
  pair("**", "bold"),
  pair("__", "bold", WORD),
  pair("*", "italic"),
  pair("_", "italic", WORD),
];

/** An error as the workflow service writes it. */
export const teamsError = (status: number, code: string, message: string): VendorAnswer => ({
  status,
  body: { error: { code, message } },
});

/** Starts it; a card that is taken is answered 202, without a body. */
export function startTeams(...answers: (VendorAnswer | Respond)[]): Promise<VendorServer> {
  return startVendor(({ path, body }, { type, attachments }) => {
    if (!path.endsWith("sig=s3cr3t-T0KEN_sig")) {
      return teamsError(401, "DirectApiInvalidAuthorizationScheme", "The provided authorization token is not valid.");
    }
    if (body.byteLength > 21_504) return teamsError(413, "RequestEntityTooLarge", "Request Entity too large");
    const [card] = (Array.isArray(attachments) ? attachments : []) as { contentType?: string; content?: Card }[];
    const { type: kind, version, body: elements, actions = [] } = card?.content ?? {};
    if (type !== "message" || kind !== "AdaptiveCard" || version !== "1.2" || !elements?.length) {
      return teamsError(
        400,
        "TriggerInputSchemaMismatch",
        "The input body for trigger 'manual' did not match its schema.",
      );
    }
    const lines = elements.map(readElement);
    const text = lines.map((line) => line.text).join("\n");
    const links = actions.map(({ type, title }) => `${type}: ${title}`);
    return { status: 202, shown: { text, effects: [...lines.flatMap(({ effects }) => effects), ...links] } };
  }, answers);
}

interface Card {
  type?: string;
  version?: string;
  body?: { type: string; text?: string; inlines?: { type: string; text: string }[] }[];
  actions?: { type: string; title: string }[];
}

/** A TextBlock reads Markdown, the runs of a RichTextBlock none. */
function readElement({ type, text, inlines }: NonNullable<Card["body"]>[number]): Shown {
  if (type === "TextBlock") return readMarkup(text ?? "", rules);
  return { text: (inlines ?? []).map((one) => one.text).join(""), effects: [] };
}
