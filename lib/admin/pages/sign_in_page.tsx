/** @jsxImportSource hono/jsx */
/** Where a person gives the token. */

import type { Page } from "./layout.tsx";
import { Prose } from "./parts.tsx";
import type { View } from "./view.ts";

/**
 * The sign-in page.
 * @param isWrong The token that was given just now is not the one.
 * @param to The address to go on to.
 */
export function signInPage({ words: { signIn } }: View, isWrong: boolean, to = "/"): Page {
  return {
    title: signIn.title,
    isBare: true,
    content: (
      <div class="narrow">
        <h1>{signIn.title}</h1>
        <p class="lead">
          <Prose text={signIn.lead} />
        </p>
        {isWrong && <p class="notice bad" role="alert" id="wrong">{signIn.wrong}</p>}
        <form method="post" action="/sign-in" class="card">
          <input type="hidden" name="to" value={to} />
          <label for="token">{signIn.token}</label>
          <input
            id="token"
            name="token"
            type="password"
            autocomplete="current-password"
            required
            aria-invalid={isWrong ? "true" : undefined}
            aria-describedby={isWrong ? "wrong" : undefined}
          />
          <div class="buttons after">
            <button type="submit">{signIn.button}</button>
          </div>
        </form>
      </div>
    ),
  };
}
