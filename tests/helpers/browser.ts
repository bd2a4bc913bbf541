/** A real Chromium, driven as a person would use it. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Path of the machine's Chromium. */
const program = (process.env.PATH ?? "").split(delimiter)
  .flatMap((folder) => ["chromium", "chromium-browser", "google-chrome"].map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** Why tests that need a browser cannot run here; `false` where they can. */
export const withoutBrowser: string | false = program ? false : "there is no Chromium on this machine";

/** Nothing of it calls out, and it runs as root and in a container. */
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Opens a page in a browser with a fresh profile, and closes the browser when the work is done. */
export async function withPage(
  work: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const browser = await chromium.launch({ executablePath: program, args });
  try {
    const context = await browser.newContext({ locale: "en-GB", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await work(page);
  } finally {
    await browser.close();
  }
}
