/** What fails in a config with sample events: messages that cannot be made, and conditions that throw. Sends nothing. */

import { sampleNames, sampleNote } from "../connectvets/samples.ts";
import type { Told } from "../locale/told.ts";
import type { Source } from "../sources/source.ts";
import type { ConfigWarning } from "../warnings.ts";
import { incoming, preview, type PreviewConfig } from "./preview.ts";

/**
 * A warning for each failure, with the first sample that shows it. Of other senders than ConnectVets there are no samples.
 * @param now Unix milliseconds, at which the samples are received.
 */
export function sampleWarnings(config: PreviewConfig & { sources: readonly Source[] }, now: number): ConfigWarning[] {
  const source = config.sources.find(({ kind }) => kind === "connectvets");
  if (!source) return [];
  const found = new Map<string, ConfigWarning>();
  const add = (path: string, type: string, problem: Told) => {
    const key = `${path}: ${problem}`;
    if (!found.has(key)) {
      found.set(key, {
        path,
        warning: (words, all) => words.sampleFails(type, problem.phrase(all)),
      });
    }
  };
  for (const type of sampleNames) {
    const event = incoming(source, type, now);
    if ("problem" in event) continue;
    const { problems, messages } = preview({ ...event, note: sampleNote() }, config);
    for (const problem of problems) {
      const [path = "routes"] = /^routes\[\d+\]\.when/.exec(String(problem)) ?? [];
      add(path, type, problem.map((text) => text.replace(path, "").trimStart()));
    }
    for (const message of messages) {
      if ("problem" in message) add(`targets.${message.target}`, type, message.problem);
    }
  }
  return [...found.values()];
}
