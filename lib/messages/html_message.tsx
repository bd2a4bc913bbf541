/** @jsxImportSource hono/jsx */
/** A default message as an email's HTML: one column, nothing remote, light and dark. */

import { raw } from "hono/html";
import type { Notice, Tone } from "./notice.ts";
import type { Locale } from "../locale/mod.ts";

/** Clients that know no media queries show the light colours, or turn them into dark ones by themselves. */
const light = { ground: "#ffffff", text: "#1c1f24", muted: "#5b626d", box: "#f2f4f7", button: "#175cd3" };
const dark = { ground: "#16181d", text: "#e9ebee", muted: "#a9b0bb", box: "#23272e", button: "#84b0ff" };
const tones: Record<Tone, string> = { good: "#12805c", bad: "#d92d20", neutral: "#2e6be6" };

/** What inline styles cannot say; the classes mark what changes in the dark. */
const css = `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
.ground{background:${dark.ground}!important;color:${dark.text}!important}
.muted{color:${dark.muted}!important}
.box{background:${dark.box}!important}
.button{background:${dark.button}!important;color:${dark.ground}!important}
}`;

const label = `margin:14px 0 0;font-size:14px;color:${light.muted}`;
const value = "margin:0;overflow-wrap:anywhere";

/** The HTML of an email. Whatever the notice holds is escaped. */
export function writeHtml(notice: Notice, locale: Locale): string {
  const { tone, title, what, todo: [todoLabel, todo], facts, sections, link, origin } = notice;
  return `<!doctype html>\n${(
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <meta name="format-detection" content="telephone=no,date=no,address=no,email=no" />
        <title>{title}</title>
        <style>{raw(css)}</style>
      </head>
      <body class="ground" style={`margin:0;padding:0;background:${light.ground};color:${light.text}`}>
        <Preheader text={[...what, todo].join(" ").replaceAll("`", "")} />
        <div
          class="ground"
          style={`max-width:560px;margin:0 auto;padding:24px 20px;background:${light.ground};color:${light.text};font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif`}
        >
          <h1
            style={`margin:0 0 16px;padding:0 0 0 12px;border-left:4px solid ${
              tones[tone]
            };font-size:22px;line-height:1.3;overflow-wrap:anywhere`}
          >
            {title}
          </h1>
          {what.map((sentence) => <p style={`${value};padding:0 0 12px`}>{sentence}</p>)}
          <p class="box" style={`margin:4px 0 0;padding:12px 16px;background:${light.box};border-radius:8px`}>
            <strong>{todoLabel}</strong>
            <br />
            {withCode(todo)}
          </p>
          <dl style="margin:0">
            {facts.map(([name, known]) => (
              <>
                <dt class="muted" style={label}>{name}</dt>
                <dd style={value}>{known}</dd>
              </>
            ))}
          </dl>
          {sections.map(([name, text]) => (
            <>
              {name && <h2 style="margin:24px 0 4px;font-size:18px;line-height:1.3;overflow-wrap:anywhere">{name}</h2>}
              <p style={`${value};white-space:pre-line`}>{text}</p>
            </>
          ))}
          {link && (
            <p style="margin:24px 0 0">
              <a
                class="button"
                href={link.url}
                style={`display:inline-block;padding:12px 20px;border-radius:8px;background:${light.button};color:#ffffff;font-weight:600;text-decoration:none`}
              >
                {link.label}
              </a>
            </p>
          )}
          <p class="muted" style={`${value};margin-top:24px;font-size:13px;color:${light.muted}`}>{origin}</p>
        </div>
      </body>
    </html>
  )}`;
}

/** What a list of messages shows beside the subject, in place of the title that the message begins with. */
function Preheader({ text }: { text: string }) {
  return <div style="display:none;max-height:0;overflow:hidden">{text}</div>;
}

/** What stands between backticks, as code. */
function withCode(text: string) {
  return text.split("`").map((part, at) =>
    at % 2 === 1 ? <code style="font-family:ui-monospace,Menlo,Consolas,monospace;font-size:15px">{part}</code> : part
  );
}
