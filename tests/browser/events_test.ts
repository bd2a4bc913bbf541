/** The pages about events in a real browser: a dense list that is searched and grows, stories, retries of many. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { withoutBrowser, withPage } from "../helpers/browser.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { seedDead } from "../helpers/seed.ts";
import { startSink } from "../helpers/sink.ts";

const needsBrowser = { skip: withoutBrowser };

const eventOf = (note: string, type = "note.failed") => JSON.stringify({ event: type, data: { note_id: note } });

/** A relay that has received these notes; its target refuses what comes. */
async function withRelay(notes: readonly string[], work: (url: string, relay: RunningRelay) => Promise<void>) {
  const sink = await startSink((response) => void response.writeHead(400).end('{"error":"no such channel"}'));
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: `crm: http({ url: "${sink.url}" }), mail: email({ via: "smtp://127.0.0.1:1", from: "relay@clinic.example",
      to: ["vet@clinic.example"], retry: ["1h"] }), later: slack({ url: "${sink.url}/chat/abcdefgh" })`,
    routes: `{ on: "note.*", to: ["crm"] }, { on: "note.transcription.*", to: ["mail", "later"] }`,
  }));
  try {
    for (const note of notes) await relay.post(eventOf(note));
    await work(await relay.adminUrl(), relay);
  } finally {
    await relay.close();
    await sink.close();
  }
}

/** What axe-core finds, in a few words each. */
async function findingsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations: axe.Result[] = await page.evaluate("axe.run().then((results) => results.violations)");
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${page.url()}: ${id}: ${html}`));
}

/** Addresses of the events of a list, from the top. */
const linksOf = (page: Page) =>
  page.locator("tbody a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));

test("an event takes one line of 25 pixels, all of which is a link", needsBrowser, async () => {
  await withRelay(["n1", "n".repeat(200)], async (url, relay) => {
    await relay.post(eventOf("n3", `other.${"x".repeat(200)}`));
    await withPage(async (page) => {
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(`${url}/events`);
      await page.locator("tbody").getByText("crm").first().waitFor();
      const heights = await page.locator("tbody tr").evaluateAll((rows) =>
        rows.map((row) => row.getBoundingClientRect().height)
      );
      assert.equal(heights.length, 3);
      for (const height of heights) assert.ok(height <= 25, `${height}`);
      const [, address] = await linksOf(page);
      const { x, y, width } = (await page.locator("tbody tr").nth(1).boundingBox())!;
      await page.mouse.click(x + width - 20, y + 12);
      await page.getByRole("heading", { name: "What was received" }).waitFor();
      assert.equal(page.url(), url + address);
    });
  });
});

test("the list is searched as one types, and the address says so", needsBrowser, async () => {
  await withRelay(["ana", "anabel", "bento"], async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/events`);
      const rows = page.locator("tbody tr");
      const search = page.getByLabel("Search");
      await search.pressSequentially("anab");
      await page.waitForURL(`${url}/events?search=anab`);
      await rows.nth(1).waitFor({ state: "detached" });
      assert.equal(await rows.count(), 1);
      await search.press("ArrowLeft");
      await search.press("Backspace");
      await page.waitForURL(`${url}/events?search=anb`);
      await page.getByText("No event matches these filters").waitFor();
      assert.deepEqual(
        await page.evaluate("[document.activeElement.id, document.activeElement.selectionStart]"),
        ["search", 2],
      );
      await search.fill("an");
      await page.waitForURL(`${url}/events?search=an`);
      await page.getByLabel("State").selectOption("dead");
      await page.waitForURL(`${url}/events?search=an&state=dead`);
      await rows.nth(1).waitFor();

      await page.goBack();
      await page.waitForURL(`${url}/events?search=an`);
      assert.equal(await page.getByLabel("State").inputValue(), "");
      await page.goBack();
      await page.waitForURL(`${url}/events`);
      await rows.nth(2).waitFor();
      assert.equal(await search.inputValue(), "");

      await page.reload();
      const [address] = await linksOf(page);
      await search.fill(address!.slice("/events/".length));
      await page.waitForURL(url + address);
    });
  });
});

test("an answer to an older search changes nothing", needsBrowser, async () => {
  await withRelay(["ana", "bento"], async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/events`);
      let release = () => {};
      const isHeld = new Promise<void>((resolve) => release = resolve);
      await page.route("**/events?search=ana", async (route) => {
        await isHeld;
        await route.continue().catch(() => {});
      });
      const search = page.getByLabel("Search");
      const isAsked = page.waitForRequest(`${url}/events?search=ana`);
      await search.fill("ana");
      await isAsked;
      const isEnded = page.waitForEvent("requestfailed", (request) => request.url() === `${url}/events?search=ana`);
      await search.fill("bento");
      await page.waitForURL(`${url}/events?search=bento`);
      await page.locator("tbody").getByText("ana").waitFor({ state: "detached" });
      await isEnded;
      release();
      assert.match(await page.locator("tbody").innerText(), /bento/);
    });
  });
});

test("new events do not move what is being read, and are announced", needsBrowser, async () => {
  await withRelay(Array.from({ length: 35 }, (_, at) => `n${at}`), async (url, relay) => {
    await withPage(async (page) => {
      await page.setViewportSize({ width: 1000, height: 500 });
      await page.goto(`${url}/events`);
      await page.getByRole("button", { name: "Live" }).waitFor();
      await page.evaluate("scrollTo(0, 600)");
      const read = page.locator("tbody tr").nth(30);
      const before = await read.boundingBox();
      const address = await read.locator("a").getAttribute("href");
      await relay.post(eventOf("n35"));
      const show = page.getByRole("button", { name: "Show new events (1)" });
      await show.waitFor();
      assert.equal(await read.locator("a").getAttribute("href"), address);
      const after = await read.boundingBox();
      assert.ok(Math.abs(before!.y - after!.y) < 1, `${before!.y} → ${after!.y}`);
      assert.equal(await page.locator("#announcer").textContent(), "Show new events (1)");
      assert.equal((await linksOf(page)).length, 35);
      await show.click();
      await page.locator("tbody tr").nth(35).waitFor();
      assert.match(await page.locator("tbody tr").first().innerText(), /n35/);
    });
  });
});

test("live updates can be paused", needsBrowser, async () => {
  await withRelay(["n1"], async (url, relay) => {
    await withPage(async (page) => {
      await page.goto(`${url}/events`);
      await page.getByRole("button", { name: "Live" }).click();
      await relay.post(eventOf("n2"));
      const { events } = await (await fetch(`${url}/api/events`)).json() as { events: unknown[] };
      assert.deepEqual([events.length, (await linksOf(page)).length], [2, 1]);
      await page.locator("#live button").click();
      await page.locator("tbody tr").nth(1).waitFor();
    });
  });
});

test("ids, payloads and answers are copied", needsBrowser, async () => {
  await withRelay(["n1"], async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/events`);
      const [address] = await linksOf(page);
      await page.goto(url + address);
      const copied = () => page.evaluate<string>("navigator.clipboard.readText()");
      await page.getByRole("button", { name: "Copy the event id" }).click();
      await page.getByText("Copied").first().waitFor();
      assert.equal(await copied(), address!.slice("/events/".length));
      await page.getByRole("button", { name: "Copy the payload" }).click();
      assert.deepEqual(JSON.parse(await copied()), JSON.parse(eventOf("n1")));
      await page.getByRole("button", { name: "Copy the answer" }).click();
      assert.equal(await copied(), '{"error":"no such channel"}');
    }, { permissions: ["clipboard-read", "clipboard-write"] });
    await withPage(async (page) => {
      await page.goto(`${url}/events`);
      await page.goto(url + (await linksOf(page))[0]);
      assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0);
    }, { javaScriptEnabled: false });
  });
});

test("an event's page fits a phone with all of it open, and breaks no rule of axe-core", needsBrowser, async () => {
  await withRelay([], async (url, relay) => {
    const long = "x".repeat(300);
    await relay.post(
      JSON.stringify({
        event: "note.transcription.failed",
        data: { id: long, name: long, [long]: `https://x.example/${long}` },
      }),
    );
    await relay.logged("the refusal", ({ message }) => `${message}`.startsWith("dead"));
    for (const locale of ["en-GB", "pt-BR"]) {
      await withPage(async (page) => {
        const refused: string[] = [];
        page.on("console", (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
        await page.goto(`${url}/events`);
        const [address] = await linksOf(page);
        for (const path of [address!, `${address}/replay`, "/events", "/dead"]) {
          for (const [width, colorScheme] of [[390, "light"], [1280, "dark"]] as const) {
            await page.setViewportSize({ width, height: 844 });
            await page.emulateMedia({ colorScheme });
            await page.goto(url + path);
            await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
            const needed = await page.evaluate<number>("document.documentElement.scrollWidth");
            assert.ok(needed <= width, `${path} needs ${needed} of ${width} pixels`);
            assert.deepEqual(await findingsOf(page), []);
          }
        }
        assert.deepEqual(refused, []);
      }, { locale });
    }
  });
});

test("thousands of dead letters are retried in the background, and the page follows", needsBrowser, async () => {
  const { path: folder, remove } = makeFolder();
  await seedDead(join(folder, "relay.db"), 20_000, "crm");
  const relay = await startRelay(
    configOf({
      admin: "{ port: 0 }",
      targets: 'crm: http({ url: "http://127.0.0.1:9/", retry: ["1h"], circuit: { failures: 1, pause: "1h" } })',
      routes: '{ on: "**", to: "crm" }',
    }),
    { folder },
  );
  try {
    await withPage(async (page) => {
      await page.goto(`${await relay.adminUrl()}/dead`);
      await page.getByText("crm: 20,000 dead letters").waitFor();
      await page.getByRole("link", { name: "Retry all 20,000" }).click();
      await page.getByText("This retries every dead letter: 20,000 deliveries.").waitFor();
      await page.getByRole("button", { name: "Retry 20,000 now" }).click();
      await page.getByText("Done: 20,000 deliveries retried.").waitFor();
      await page.getByText("No dead letters").waitFor();
      assert.deepEqual(await findingsOf(page), []);
    });
  } finally {
    await relay.close();
    remove();
  }
});
