/** A default email as a phone and a desktop show it, in the light and in the dark. */

import assert from "node:assert/strict";
import { test } from "node:test";
import axe from "axe-core";
import { noteOf } from "../../lib/connectvets/note.ts";
import { writeHtml } from "../../lib/messages/html_message.tsx";
import { noticeOf } from "../../lib/messages/event_notice.ts";
import { withoutBrowser, withPage } from "../helpers/browser.ts";
import { makeEvent } from "../helpers/target.ts";

const skip = withoutBrowser;

const much = "x".repeat(3_000);
const html = writeHtml(
  noticeOf(
    makeEvent({
      event: "note.transcription.failed",
      data: { name: `Rex ${much}`, id: much, external_id: much, error: { code: much, message: much } },
    }, { note: noteOf({ note_sections: [{ title: much, content: `${much}\n${much}`, order: "1" }] }) }),
    {
      locale: "pt-BR",
      timeZone: "America/Sao_Paulo",
      includeNoteText: true,
      pagesUrl: "https://relay.clinica.example",
    },
  ),
  "pt-BR",
);

for (const width of [320, 1000]) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`an email is readable ${width} pixels wide in the ${colorScheme}`, { skip }, async () => {
      await withPage(async (page) => {
        const asked: string[] = [];
        page.on("request", (request) => asked.push(request.url()));
        await page.setContent(html);
        // As text, since this function runs in the browser, whose types the source does not know.
        const [wide, size, ground, hidden] = await page.evaluate(`(() => {
          const style = (selector) => getComputedStyle(document.querySelector(selector));
          return [
            document.documentElement.scrollWidth > innerWidth,
            style("dd").fontSize,
            style("body").backgroundColor,
            style("body > div").display,
          ];
        })()`) as [boolean, string, string, string];
        assert.equal(wide, false, "nothing is wider than the screen");
        assert.equal(size, "16px");
        assert.equal(ground, colorScheme === "dark" ? "rgb(22, 24, 29)" : "rgb(255, 255, 255)");
        assert.equal(hidden, "none", "what a list of messages shows is not shown twice");
        const button = await page.getByRole("link", { name: "Ver o evento no relay" }).boundingBox();
        assert.ok(button && button.height >= 44, "a finger can meet it");
        assert.deepEqual(asked.filter((url) => !url.startsWith("about:")), [], "nothing is fetched");
      }, { viewport: { width, height: 640 }, colorScheme });
    });
  }
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`an email's words stand out from their ground in the ${colorScheme}`, { skip }, async () => {
    await withPage(async (page) => {
      await page.setContent(html);
      await page.evaluate(axe.source);
      const rules = JSON.stringify({ runOnly: ["color-contrast", "html-has-lang", "document-title", "meta-viewport"] });
      const violations = await page.evaluate(`axe.run(${rules}).then((found) => found.violations.map(({ id }) => id))`);
      assert.deepEqual(violations, []);
    }, { colorScheme });
  });
}
