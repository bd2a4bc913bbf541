/** Warns of patterns that match no event of ConnectVets, though one was probably meant. Pure functions. */

import { distance } from "fastest-levenshtein";
import { sampleNames } from "../connectvets/samples.ts";
import { matches } from "../pattern.ts";
import type { Warning } from "../warnings.ts";

/** Events that ConnectVets sends; the last one is its test of a webhook. */
const events = [...sampleNames, "test"];

/** What a route may be for. */
const patterns = [...events, "note.*", "note.transcription.*"];

/** A name of fewer characters is close to too many others. */
const SHORT = 7;

/**
 * What to know of a pattern; `undefined` if there is nothing, as for the events of other senders.
 * @param isOfConnectvets Whether ConnectVets is among the senders.
 */
export function patternWarning(pattern: string, isOfConnectvets: boolean): Warning | undefined {
  if (pattern === "*" && isOfConnectvets) return (words) => words.oneStar;
  if (events.some((name) => matches(pattern, name))) return undefined;
  const near = meant(pattern);
  return near === undefined ? undefined : (words) => words.unknownEvent(pattern, near);
}

/** The event or pattern that may have been meant: spelt almost so, or of which this is a part. */
function meant(pattern: string): string | undefined {
  const name = pattern.toLowerCase();
  const most = name.length < SHORT ? 1 : 2;
  const [near] = patterns.map((one) => ({ one, away: distance(name, one) })).filter(({ away }) => away <= most)
    .sort((a, b) => a.away - b.away);
  if (near) return near.one;
  return patterns.find((one) => one === `${name}.*` || one.endsWith(`.${name}`));
}
