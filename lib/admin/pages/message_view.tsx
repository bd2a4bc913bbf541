/** @jsxImportSource hono/jsx */
/** A message as its target is sent it. A page that shows one with HTML has {@link Page.holdsEmail} set. */

import type { View } from "./view.ts";

/** Fields of a message as texts, in their order. */
export type MessageTexts = readonly (readonly [name: string, text: string])[];

/** Every field at full width; HTML as a mail program shows it, in a frame that runs and loads nothing, and as its source. */
export function MessageView({ view: { words }, target, fields }: { view: View; target: string; fields: MessageTexts }) {
  const html = fields.find(([name]) => name === "html")?.[1];
  if (html === undefined) return <div class="message">{fields.map((field) => <Field field={field} />)}</div>;
  const [texts, others] = [fields.filter(isText), fields.filter((field) => !isText(field) && field[0] !== "html")];
  return (
    <div class="message">
      {others.map((field) => <Field field={field} />)}
      <p class="small muted label">html</p>
      <iframe sandbox="" srcdoc={html} title={words.config.frame(target)} class="email"></iframe>
      <details>
        <summary>{words.config.htmlSource}</summary>
        <pre tabindex={0}>{html}</pre>
      </details>
      {texts.map((field) => <Field field={field} />)}
    </div>
  );
}

function Field({ field: [name, text] }: { field: MessageTexts[number] }) {
  return (
    <>
      <p class="small muted label">{name}</p>
      <pre tabindex={0}>{text}</pre>
    </>
  );
}

function isText([name]: MessageTexts[number]): boolean {
  return name === "text";
}

/** Whether one of the fields is HTML. */
export function holdsHtml(fields: MessageTexts): boolean {
  return fields.some(([name]) => name === "html");
}
