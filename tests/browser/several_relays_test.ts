/** The first page of several relays, in a real browser. */

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import axe from "axe-core";
import { withoutBrowser, withPage } from "../helpers/browser.ts";
import { TARGETS, withSeveralRelays } from "../helpers/several_relays.ts";

/** Folder for pictures, for whoever wants to look. */
const pictures = process.env.RELAY_PICTURES;

test("the first page shows relays and owners, for everybody, and what becomes of one that is lost, while it happens", {
  skip: withoutBrowser,
}, async () => {
  await withSeveralRelays(3, async ({ relays, status, statusWhere }) => {
    const { members } = await status();
    const lost = members.find(({ lanes }) => lanes.length > 0)!;
    const left = relays.find(({ child }) => child.pid !== lost.pid)!;
    const url = await left.adminUrl();
    await withPage(async (page) => {
      await page.goto(url);
      const shown = await page.locator("#relays").innerText();
      for (const { name, lanes } of members) assert.ok(shown.includes(name) && shown.includes(lanes.join(", ")), shown);
      await relays.find(({ child }) => child.pid === lost.pid)!.end("SIGKILL");
      const attention = page.locator("#attention");
      await attention.getByText(`Relay ${lost.name} stopped unexpectedly`).waitFor();
      await page.locator("#relays").getByText(/takes over .* within 15 s/).first().waitFor();
      if (pictures) await page.screenshot({ path: `${pictures}/taking.png`, fullPage: true });
      await statusWhere("new owners", (told) => told.members.flatMap((one) => one.lanes).length === TARGETS.length);
      await page.locator("#relays").getByText("The previous owner stopped unexpectedly.").first().waitFor();
    });
    for (
      const [locale, width, colorScheme] of [["en-GB", 1200, "light"], ["pt-BR", 1200, "dark"], [
        "pt-BR",
        360,
        "light",
      ]] as const
    ) {
      await withPage(async (page) => {
        await page.goto(url);
        await page.locator("#relays").waitFor();
        await page.evaluate(axe.source);
        const violations: axe.Result[] = await page.evaluate("axe.run().then((results) => results.violations)");
        assert.deepEqual(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)), []);
        const needed = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert.ok(needed <= width, `the page needs ${needed} of ${width} pixels`);
        if (pictures) {
          await page.screenshot({ path: `${pictures}/${locale}-${width}-${colorScheme}.png`, fullPage: true });
        }
      }, { locale, viewport: { width, height: 800 }, colorScheme });
    }
  });
});
