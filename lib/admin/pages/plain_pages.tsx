/** @jsxImportSource hono/jsx */
/** Pages that say that something is not there, cannot be shown, or was refused. */

import type { Page } from "./layout.tsx";
import { Prose } from "./parts.tsx";
import type { View } from "./view.ts";

/** There is no such page, event or target. */
export function notFoundPage({ words: { notFound, nav } }: View): Page {
  return {
    title: notFound.title,
    content: (
      <>
        <h1>{notFound.title}</h1>
        <p class="lead">
          <Prose text={notFound.lead} />
        </p>
        <p>
          <a href="/">{nav.overview}</a>
        </p>
      </>
    ),
  };
}

/** The page could not be made. @param problem What is known, for a person. */
export function failedPage({ words: { failed }, clean }: View, problem: string): Page {
  return {
    title: failed.title,
    content: (
      <>
        <h1>{failed.title}</h1>
        <p class="lead">{failed.lead}</p>
        <p class="notice bad" role="alert">{clean(problem)}</p>
      </>
    ),
  };
}

/** An action was refused. @param problem Why, for a person. */
export function refusedPage({ words: { refused }, clean }: View, problem: string): Page {
  return {
    title: refused,
    content: (
      <>
        <h1>{refused}</h1>
        <p class="notice bad" role="alert">{clean(problem)}</p>
      </>
    ),
  };
}
