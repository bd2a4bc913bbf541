/** Values that stand for the user's own: those that `relay init` and the documentation write. */

import type { ConfigWarning, WarningWords } from "../warnings.ts";
import { formatPath } from "./path.ts";

/** How a secret begins that `relay init` made, and that no sender knows. */
export const SAMPLE_SECRET = "sample-";

/** A text of a config, and where it comes from. */
export interface ConfigText {
  path: readonly PropertyKey[];
  text: string;
  /** The environment variable that holds it. */
  variable?: string;
}

type Kind = keyof WarningWords["placeholder"]["what"];

/** A warning for each text that is still a placeholder. It never holds the text itself. */
export function placeholderWarnings(texts: readonly ConfigText[]): ConfigWarning[] {
  return texts.flatMap(({ path, text, variable }) => {
    const kind = kindOf(String(path[0]), text);
    return kind ? [warningOf(kind, formatPath(path), variable)] : [];
  });
}

function warningOf(kind: Kind, path: string, variable?: string): ConfigWarning {
  const put = ({ placeholder: { what, put, putThere } }: WarningWords) =>
    variable ? put(what[kind], variable) : putThere(what[kind]);
  return {
    path,
    warning: (words) => words.placeholder.left[kind === "secret" ? "sample" : "placeholder"](put(words)),
    todo: {
      isFirst: kind !== "secret",
      say: (words) => variable ? put(words) : words.placeholder.set(path, words.placeholder.what[kind]),
    },
  };
}

function kindOf(part: string, text: string): Kind | undefined {
  if (part === "sources") return text.startsWith(SAMPLE_SECRET) ? "secret" : undefined;
  if (part !== "targets") return undefined;
  const own = OWN_SAMPLE.test(text) ? "own" : undefined;
  if (!URL.canParse(text)) return own;
  const { protocol, hostname } = new URL(text);
  if (hostname === "hooks.slack.com") return SLACK_SAMPLE.test(text) ? "slack" : undefined;
  if (own) return own;
  const isNobodys = NOBODYS.test(hostname);
  if (/^smtps?:$/.test(protocol)) return isNobodys ? "smtp" : undefined;
  return /^https?:$/.test(protocol) && isNobodys ? "http" : undefined;
}

/** Hosts that examples name, and nobody has. @see RFC 2606 */
const NOBODYS = /^(host|sistema\.example)$|(^|\.)example\.(com|net|org)$/;

/** A URL that ends where the user's own part would begin, or has what people write in its place. */
const SLACK_SAMPLE = /^https?:\/\/[^/]+(\/services)?\/*$|…|\.\.\.|REPLACE|YOUR|XXXX|T0{6}/i;

/** What `relay init` writes where a token, a key or a webhook's URL is missing. */
const OWN_SAMPLE = /\bREPLACE\b.{1,25}\bYOURS\b/;
