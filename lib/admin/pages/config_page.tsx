/** @jsxImportSource hono/jsx */
/** The config as it is loaded, and what it would make of an event. */

import type { LoadedConfig } from "../../config/load.ts";
import { destinationLine } from "../../operator/chains.ts";
import type { Verdict } from "../../pipeline/route.ts";
import { type ConfigWarning, toldIn } from "../../warnings.ts";
import { sampleEvent, sampleNames } from "../../connectvets/samples.ts";
import { AlertTable } from "./alerts.tsx";
import { type Preview, previewOf } from "./config_preview.ts";
import type { Page } from "./layout.tsx";
import { holdsHtml, MessageView } from "./message_view.tsx";
import { Advice, Mark, Prose, Row, Table } from "./parts.tsx";
import type { View } from "./view.ts";

/** The event that a person asks about: a text, or the name of a sample. */
export interface Asked {
  text?: string;
  sample?: string;
}

/** The page of the config. */
export function configPage(
  view: View,
  loaded: LoadedConfig,
  warnings: readonly ConfigWarning[],
  { text, sample }: Asked,
): Page {
  const { words } = view;
  const result = text === undefined ? undefined : view.clean(previewOf(loaded, text));
  const asked = result && "type" in result ? result.type : sample;
  const name = sampleNames.find((one) => one === asked) ?? sampleNames[1];
  const shown = text ?? JSON.stringify(sampleEvent(name), null, 2);
  return {
    title: words.config.title,
    holdsEmail: result && "messages" in result && result.messages.some(({ fields }) => holdsHtml(fields)),
    content: (
      <>
        <h1>{words.config.title}</h1>
        <p class="lead">
          {words.config.file}: <code>{view.clean(loaded.file)}</code>
        </p>
        {warnings.length > 0 && <Warnings view={view} warnings={warnings} />}
        <h2>{words.config.sources}</h2>
        <SourceTable view={view} loaded={loaded} />
        <h2>{words.config.routes}</h2>
        <RouteTable view={view} loaded={loaded} />
        <h2>{words.config.targets}</h2>
        <TargetTable view={view} loaded={loaded} />
        <h2>{words.alerts.title}</h2>
        {loaded.config.alerts.length > 0
          ? <AlertTable view={view} alerts={loaded.config.alerts} />
          : <p class="muted">{words.alerts.none}</p>}
        <h2 id="preview">{words.config.preview}</h2>
        <p class="lead">{words.config.previewLead}</p>
        <SampleForm view={view} name={name} />
        <form method="post" action="/config#result" class="card">
          <label for="event">{words.config.json}</label>
          <textarea id="event" name="event" spellcheck={false} rows={12}>{view.clean(shown)}</textarea>
          <button type="submit" class="after">{words.config.show}</button>
        </form>
        {result && <Result view={view} result={result} />}
      </>
    ),
  };
}

function SampleForm({ view: { words }, name }: { view: View; name: string }) {
  return (
    <form method="get" action="/config#preview" class="row">
      <div>
        <label for="sample">{words.config.sample}</label>
        <select id="sample" name="sample">
          {sampleNames.map((one) => <option value={one} selected={one === name}>{one}</option>)}
        </select>
      </div>
      <button type="submit" class="quiet">{words.config.useSample}</button>
    </form>
  );
}

function Result({ view, result }: { view: View; result: Preview }) {
  const { words } = view;
  if ("problem" in result) {
    return (
      <p class="notice bad" id="result" role="alert">
        {words.config.wrong}: {result.problem.in(view.locale)}
      </p>
    );
  }
  const { routing, messages } = result;
  return (
    <section id="result" aria-labelledby="result-title">
      <div class="card">
        <h3 id="result-title">
          <code>{result.type}</code> → {destinationLine(routing, words, view.format) || words.states.unrouted}
        </h3>
        {routing.targets.length === 0 && <p>{words.config.noFallback}</p>}
        {routing.isFallback && <p>{words.config.isFallback}</p>}
        {routing.problems.map((problem) => <p>{problem.in(view.locale)}</p>)}
        <VerdictList view={view} verdicts={routing.verdicts} />
      </div>
      {messages.map(({ target, fields, problem }) => (
        <article class="card">
          <h3>{words.config.message(target)}</h3>
          {problem && <Advice view={view} reason="message_invalid" />}
          {problem && <pre>{problem.in(view.locale)}</pre>}
          <MessageView view={view} target={target} fields={fields} />
        </article>
      ))}
    </section>
  );
}

function VerdictList({ view, verdicts }: { view: View; verdicts: readonly Verdict[] }) {
  return (
    <ul class="list">
      {verdicts.map((verdict, index) => (
        <li>
          <code>routes[{index}]</code> <VerdictMark view={view} verdict={verdict} />
        </li>
      ))}
    </ul>
  );
}

/** Whether a route matched, and why. */
export function VerdictMark({ view: { words }, verdict }: { view: View; verdict: Verdict }) {
  const isMatch = verdict === "matched";
  const tone = isMatch ? "good" : verdict === "when_threw" ? "bad" : "quiet";
  return (
    <Mark tone={tone}>
      <span>
        {isMatch ? words.yes : words.no}: <Prose text={words.verdicts[verdict]} />
      </span>
    </Mark>
  );
}

function RouteTable({ view, loaded: { config } }: { view: View; loaded: LoadedConfig }) {
  const { words } = view;
  const head = ["#", words.config.events, words.config.when, words.config.goesTo];
  return (
    <>
      <Table caption={words.config.routes} isCaptionHidden head={head}>
        {view.clean(config.routes.map(({ on, to, chains, when }) => ({ on, to, chains, hasWhen: when !== undefined })))
          .map((
            { on, to, chains, hasWhen },
            index,
          ) => (
            <Row
              head={head}
              cells={[
                `${index}`,
                <code>{on.join(", ")}</code>,
                <Prose text={hasWhen ? words.config.condition : words.config.always} />,
                destinationLine({ targets: to, chains }, words, view.format),
              ]}
            />
          ))}
      </Table>
      <p class="after">
        {config.fallback ? words.config.fallback(view.clean(config.fallback)) : words.config.noFallback}
      </p>
    </>
  );
}

function TargetTable({ view, loaded: { config } }: { view: View; loaded: LoadedConfig }) {
  const { words } = view;
  const head = [words.targets.name, words.targets.kind, words.targets.goesTo];
  return (
    <Table caption={words.config.targets} isCaptionHidden head={head}>
      {[...config.targets.values()].map(({ name, kind, address }) => (
        <Row head={head} cells={[view.clean(name), kind, view.clean(address)]} />
      ))}
    </Table>
  );
}

function SourceTable({ view, loaded: { config } }: { view: View; loaded: LoadedConfig }) {
  const { words } = view;
  const head = [words.config.source, words.targets.kind, words.config.path, words.config.secrets];
  return (
    <Table caption={words.config.sources} isCaptionHidden head={head}>
      {config.sources.map(({ name, kind, path, secrets }) => (
        <Row head={head} cells={[name, kind, <code>{path}</code>, view.format.number(secrets.length)]} />
      ))}
    </Table>
  );
}

function Warnings({ view, warnings }: { view: View; warnings: readonly ConfigWarning[] }) {
  return (
    <>
      <h2>{view.words.config.warnings}</h2>
      <ul class="list">
        {toldIn(view.locale, warnings).map(({ path, message }) => (
          <li class="item">
            <div>
              <h3>
                <code>{path}</code>
              </h3>
              <p>{view.clean(message)}</p>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
