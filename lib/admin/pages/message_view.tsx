/** @jsxImportSource hono/jsx */
/** A message as its target is sent it. A page that shows one with HTML has {@link Page.holdsEmail} set. */

import type { View } from "./view.ts";

/** Fields of a message as texts, in their order. */
export type MessageTexts = readonly (readonly [name: string, text: string])[];

/** Every field at full width; HTML as a mail program shows it, in a frame that runs and loads nothing, and as its source. */
export function MessageView({ view: { words }, target, fields }: { view: View; target: string; fields: MessageTexts }) {
  return (
    <div class="message">
      {fields.map(([name, text]) =>
        name === "html"
          ? (
            <>
              <iframe sandbox="" srcdoc={text} title={words.config.frame(target)} class="email"></iframe>
              <details>
                <summary>{words.config.htmlSource}</summary>
                <pre tabindex={0}>{text}</pre>
              </details>
            </>
          )
          : (
            <>
              <p class="small muted label">{name}</p>
              <pre tabindex={0}>{text}</pre>
            </>
          )
      )}
    </div>
  );
}

/** Whether one of the fields is HTML. */
export function holdsHtml(fields: MessageTexts): boolean {
  return fields.some(([name]) => name === "html");
}
