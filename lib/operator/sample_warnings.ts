/** What fails in a config with sample events: messages, and keys and conditions by its functions. Sends nothing. */

import { sampleNames, sampleNote } from "../connectvets/samples.ts";
import type { Told } from "../locale/told.ts";
import { deliveriesOf, idOf } from "../pipeline/accept.ts";
import { routedOf } from "../pipeline/route.ts";
import type { Source } from "../sources/source.ts";
import type { ConfigWarning } from "../warnings.ts";
import { incoming, preview, type PreviewConfig } from "./preview.ts";

/** What is tried. */
type SampledConfig = PreviewConfig & Parameters<typeof deliveriesOf>[1] & { sources: readonly Source[] };

/**
 * A warning for each failure, with the first sample that shows it. Of other senders than ConnectVets there are no samples.
 * @param now Unix milliseconds, at which the samples are received.
 */
export function sampleWarnings(config: SampledConfig, now: number): ConfigWarning[] {
  const source = config.sources.find(({ kind }) => kind === "connectvets");
  if (!source) return [];
  const found = new Map<string, ConfigWarning>();
  for (const type of sampleNames) {
    for (const { path, problem } of problemsOf(source, type, config, now)) {
      const key = `${path}: ${problem}`;
      if (found.has(key)) continue;
      found.set(key, { path, warning: (words, all) => words.sampleFails(type, problem.phrase(all)) });
    }
  }
  return [...found.values()];
}

function problemsOf(
  source: Source,
  type: string,
  config: SampledConfig,
  now: number,
): { path: string; problem: Told }[] {
  const { headers, body } = source.draft(type);
  const read = source.read({ headers: new Headers(headers), body });
  const event = incoming(source, type, now, body);
  if ("problem" in read || "problem" in event) return [];
  const problems: Told[] = [];
  idOf({ source, body, event: read.event }, problems);
  problems.push(...deliveriesOf(routedOf(event), config).problems);
  const { messages } = preview({ ...event, note: sampleNote() }, config);
  return [
    ...problems.map((problem) => {
      const [path = ""] = /^\S+/.exec(String(problem)) ?? []; // such as `routes[1].when`, which it begins with
      return { path, problem: problem.map((text) => text.replace(path, "").trimStart()) };
    }),
    ...messages.flatMap((one) => "problem" in one ? [{ path: `targets.${one.target}`, problem: one.problem }] : []),
  ];
}
