/** @jsxImportSource hono/jsx */
/** What every page stands in: head, navigation, main part, and what was done just now. */

import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { localeNames } from "../../locale/mod.ts";
import { policyWithEmail } from "../csp.ts";
import { assets } from "./assets.ts";
import { addressIn, languageNames } from "./language.ts";
import { Prose } from "./parts.tsx";
import type { PageWords, View } from "./view.ts";

/** A page's content. */
export interface Page {
  title: string;
  content: Child;
  /** One line for a screen reader when the page changed by itself. */
  summary?: string;
  /** It shows events, and loads the script of such pages. */
  hasEvents?: boolean;
  /** Without the navigation, whose places are not open yet. */
  isBare?: boolean;
  /** It shows an email as HTML, in a frame. */
  holdsEmail?: boolean;
}

const places: readonly [path: string, name: keyof PageWords["nav"]][] = [
  ["/", "overview"],
  ["/events", "events"],
  ["/dead", "dead"],
  ["/targets", "targets"],
  ["/config", "config"],
];

/** Answers with a page. */
export function show(c: Context, view: View, page: Page, status: 200 | 400 | 401 | 404 | 503 = 200): Response {
  c.header("Vary", "Accept-Language, Cookie");
  c.header("Cache-Control", "no-store");
  if (page.holdsEmail) c.header("Content-Security-Policy", policyWithEmail);
  return c.html(`<!doctype html>${<Layout view={view} page={page} />}`, status) as Response;
}

function Layout({ view, page }: { view: View; page: Page }) {
  const { words, locale } = view;
  return (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${page.title} · relay`}</title>
        <link rel="icon" href={assets.icon.path} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.style.path} />
        <script src={assets.client.path} type="module"></script>
        {page.hasEvents && <script src={assets.events.path} type="module"></script>}
      </head>
      <body data-summary={page.summary}>
        <a class="skip" href="#main">{words.skip}</a>
        <header>
          <a class="brand" href="/" aria-label={`relay: ${words.nav.overview}`}>relay</a>
          {page.isBare ? <Languages view={view} /> : <Menu view={view} />}
          {!page.isBare && <Live view={view} />}
        </header>
        <main id="main" tabindex={-1}>
          {!page.isBare && <Lost view={view} />}
          <Told view={view} />
          {page.content}
        </main>
        {!page.isBare && (
          <footer>
            <Prose text={words.times(view.timeZone)} />
          </footer>
        )}
        <p id="announcer" class="hidden" role="status"></p>
      </body>
    </html>
  );
}

/** The navigation: beside the brand on a wide screen, and behind a button on a narrow one, which needs no script. */
function Menu({ view: { words, path, isSignedIn }, view }: { view: View }) {
  const isHere = (place: string) => place === "/" ? path === "/" : path === place || path.startsWith(`${place}/`);
  const here = places.find(([place]) => isHere(place));
  return (
    <>
      <button
        type="button"
        class="quiet menu"
        popovertarget="menu"
        aria-label={here && `${words.nav.menu}: ${words.nav[here[1]]}`}
      >
        {words.nav[here?.[1] ?? "menu"]}
      </button>
      <div id="menu" popover="auto">
        <nav aria-label={words.nav.main}>
          {places.map(([place, name]) => (
            <a href={place} aria-current={isHere(place) ? "page" : undefined}>{words.nav[name]}</a>
          ))}
        </nav>
        <Languages view={view} />
        {isSignedIn && (
          <form method="post" action="/sign-out">
            <button type="submit" class="quiet">{words.signIn.out}</button>
          </form>
        )}
      </div>
    </>
  );
}

/** Links to the same page in the other languages. */
function Languages({ view: { locale, address } }: { view: View }) {
  return (
    <div class="languages">
      {localeNames.filter((one) => one !== locale).map((one) => (
        <a href={addressIn(one, address)} lang={one} hreflang={one} rel="nofollow">{languageNames[one]}</a>
      ))}
    </div>
  );
}

/** The switch of the live updates, which the script makes. */
function Live({ view: { words: { live: { on, off, pause, resume } } } }: { view: View }) {
  return <span id="live" hidden data-on={on} data-off={off} data-pause={pause} data-resume={resume}></span>;
}

/** Where the script says that the relay does not answer, and that it does again, each with the times in their place. */
function Lost({ view: { words: { lost }, timeZone } }: { view: View }) {
  return (
    <p
      id="lost"
      class="notice"
      role="alert"
      hidden
      data-time-zone={timeZone}
      data-gone={lost.gone("{time}", "{shown}")}
      data-back={lost.back("{time}")}
      data-fresh={lost.fresh}
      data-old={lost.old}
    >
    </p>
  );
}

function Told({ view: { words, notice } }: { view: View }) {
  if (!notice) return null;
  return (
    <p class="notice" role="status">
      {words.done[notice.done](notice.count)}
    </p>
  );
}
