/** @jsxImportSource hono/jsx */
/** What is wrong with the relay as a whole: requests that it refused, and a reload. */

import type { FailingCondition } from "../../operator/last_events.ts";
import type { RefusedView, ReloadView } from "../../operator/run.ts";
import { type bySource, isAboutSignature } from "../../refusal.ts";
import { eventPath, Prose, Time } from "./parts.tsx";
import type { View } from "./view.ts";

/** A reload that was refused, with every mistake. @param name Of the relay that refused it, where there are several. */
export function ReloadItem({ view, reload, name }: { view: View; reload: ReloadView; name?: string }) {
  const { attention } = view.words;
  return (
    <li class="item bad">
      <div>
        <h3>{name === undefined ? attention.reload : attention.reloadOf(name)}</h3>
        <p>{attention.reloadTodo}</p>
        <p>{reload.problem.in(view.locale)}</p>
        {reload.mistakes.length > 0 && (
          <ul class="mistakes">
            {reload.mistakes.map(({ path, message, line, column }) => (
              <li>
                {path && (
                  <>
                    <code>{path}</code>:{" "}
                  </>
                )}
                {message.in(view.locale)}
                {line !== undefined && ` (${line}:${column})`}
              </li>
            ))}
          </ul>
        )}
        <p class="small muted">
          {attention.since} <Time view={view} at={reload.refusedSince} isInText />
        </p>
      </div>
    </li>
  );
}

/** What a source refused. */
export function RefusedItem(
  { view, refused }: { view: View; refused: ReturnType<typeof bySource<RefusedView>>[number] },
) {
  const { source, refusals, isByStrangers } = refused;
  const { attention, refusals: words } = view.words;
  const total = refusals.reduce((sum, { count }) => sum + count, 0);
  return (
    <li class={`item ${isByStrangers ? "" : "bad"}`}>
      <div>
        <h3>{attention.refusedBy(total, source)}</h3>
        {refusals.map(({ reason, count, lastAt }) => (
          <>
            <p>
              <strong>{words[reason]?.name ?? reason}</strong>: {attention.refusedCount(count)}{" "}
              <Time view={view} at={lastAt} isInText />
            </p>
            {words[reason] && (
              <p>
                <Prose text={words[reason].advice} />
              </p>
            )}
          </>
        ))}
        {refusals.some(isAboutSignature) && (
          <p>
            <Prose text={attention.refusedCheck} />
          </p>
        )}
      </div>
    </li>
  );
}

/** A condition of the config that fails: no delivery tells of it. */
export function ConditionItem({ view, condition }: { view: View; condition: FailingCondition }) {
  const { attention } = view.words;
  const { count, of, event, problem } = condition;
  return (
    <li class="item bad">
      <div>
        <h3>{attention.condition(count, of)}</h3>
        <p>
          <code>{problem.in(view.locale)}</code>
        </p>
        <p>{attention.conditionTodo}</p>
      </div>
      <div class="buttons">
        <a
          class="button quiet"
          href={eventPath(event)}
          aria-label={`${attention.show}: ${attention.condition(count, of)}`}
        >
          {attention.show}
        </a>
      </div>
    </li>
  );
}

/** Warnings about the config, which its page shows. */
export function WarningsItem({ view, count }: { view: View; count: number }) {
  const { attention } = view.words;
  return (
    <li class="item">
      <div>
        <h3>{attention.warnings(count)}</h3>
      </div>
      <div class="buttons">
        <a class="button quiet" href="/config" aria-label={`${attention.show}: ${attention.warnings(count)}`}>
          {attention.show}
        </a>
      </div>
    </li>
  );
}
