/** The operator's story in a real browser: a target breaks, the pages tell, it is mended, and what failed goes again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { withoutBrowser, withPage } from "../helpers/browser.ts";
import { configOf, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const eventOf = (note: string) => `{"event":"note.failed","data":{"note_id":"${note}"}}`;

/** Whether the page says this, looked at anew as long as it does not. */
type See = (text: string | RegExp) => Promise<void>;

/** Breaks a target, sees it, mends it, retries one letter and then the rest, and sees them delivered. */
async function playStory(page: Page, see: See): Promise<void> {
  let answer = 500;
  const sink = await startSink((response) => void response.writeHead(answer).end("no room"));
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: `crm: http({ url: "${sink.url}", retry: "none", circuit: false })`,
    routes: `{ on: "**", to: "crm" }`,
  }));
  try {
    const dead = (count: number) => () =>
      relay.log().filter(({ message }) => String(message).startsWith("dead")).length >= count;
    await relay.post(eventOf("n1"));
    await until("the first dead letter", dead(1));
    answer = 400;
    for (const note of ["n2", "n3"]) await relay.post(eventOf(note));
    await until("all dead letters", dead(3));

    await page.goto(await relay.adminUrl());
    await see("1 dead letter for crm");
    await see("2 dead letters for crm");
    await see(/error at the target: .*retry once it works/);

    answer = 200;
    await page.goto(`${await relay.adminUrl()}/events?search=n1`);
    await page.getByRole("link", { name: "note.failed" }).click();
    await see("no room");
    await see("Nothing more happens until you retry the delivery.");
    await page.getByRole("link", { name: "Retry the delivery to crm" }).click();
    await see("relay sends it again now, under the same delivery id");
    await page.getByRole("button", { name: "Retry now" }).click();
    await see("1 delivery is being sent again now.");
    await see("crm delivered");

    await page.getByRole("link", { name: "Dead letters" }).click();
    await page.getByRole("link", { name: "Retry group: crm, refused" }).click();
    await see("This retries 2 dead letters of crm.");
    assert.equal(sink.requests.length, 4, "asking retries nothing");
    await page.getByRole("button", { name: "Retry 2 now" }).click();
    await see("2 deliveries are being sent again now.");
    await see("No dead letters");

    const requests = await sink.received(6);
    const [first, again] = [requests[0]!, requests[3]!].map(({ headers }) => headers["relay-delivery-id"]);
    assert.equal(again, first, "a retry keeps the delivery's id");
    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await see("Nothing needs attention");
    await page.goto("about:blank"); // a page that is still connected when the relay ends says so
  } finally {
    await relay.close();
    await sink.close();
  }
}

test("an operator finds what failed and makes it go again", { skip: withoutBrowser }, async () => {
  await withPage(async (page) => {
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    // The page is left alone: what changes on it, it changes by itself.
    await playStory(page, (text) => page.locator("main").getByText(text).first().waitFor());
    assert.deepEqual(problems, []);
  });
});

test("an operator does the same without JavaScript", { skip: withoutBrowser }, async () => {
  await withPage(async (page) => {
    await playStory(page, async (text) => {
      await until(`the page to say ${text}`, async () => {
        if (await page.locator("main").getByText(text).first().isVisible()) return true;
        await page.reload();
        return false;
      });
    });
  }, { javaScriptEnabled: false });
});
