/** Takes the pictures of the READMEs: `deno task pictures`. Needs Chromium, and `script` of util-linux. */

import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Locale, locales } from "../../lib/locale/mod.ts";
import { withPage } from "../helpers/browser.ts";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { runOnTerminal } from "../helpers/terminal.ts";
import { until } from "../helpers/wait.ts";

const images = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const COLUMNS = 116;

/** Path of a picture in this language. */
const pathOf = (name: string, locale: Locale) => join(images, `${name}${locale === "en" ? "" : `.${locale}`}.png`);

/** The overview, of a relay that delivers to two targets and not to a third. */
async function takeOverview(locale: Locale): Promise<void> {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets:
      `plantao: slack({ url: "${sink.url}", rate: { per: "1s", limit: 100 } }), sistema: http({ url: "${sink.url}" }),
      arquivo: http({ url: "http://127.0.0.1:${await freePort()}", retry: "none" })`,
    routes: `{ on: "note.failed", to: ["plantao", "arquivo"] }, { on: "note.**", to: "sistema" }`,
    more: `locale: "${locale}",`,
    admin: "{ port: 0 }",
  }));
  try {
    for (let number = 1; number <= 40; number++) {
      const [event, status] = number === 31 ? ["note.failed", "failed"] : ["note.completed", "completed"];
      await relay.post(
        JSON.stringify({ event, data: { note_id: `N${number}`, status, external_id: `${3200 + number}` } }),
      );
    }
    const url = await relay.adminUrl();
    await until("all deliveries to be made", async () => {
      const { backlog, dead } = await (await fetch(`${url}/api/status`)).json();
      return backlog === 0 && dead === 1;
    });
    await withPage(async (page) => {
      await page.goto(url);
      await page.screenshot({ path: pathOf("overview", locale) });
    }, { locale, viewport: { width: 1180, height: 720 } });
  } finally {
    await relay.close();
    await sink.close();
  }
}

const colours: Record<string, string> = { 31: "#f1707a", 32: "#7bc67b", 33: "#e3b341", 36: "#6cb6ff" };

/** What a terminal shows, as HTML: bold, faint, and the colours that relay uses. */
function htmlOf(output: string): string {
  const escaped = output.replaceAll("\r", "").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return escaped.split("\x1b[").map((part, index) => {
    const [, code = "", text = part] = index === 0 ? [] : /^([\d;]*)m(.*)$/s.exec(part) ?? [];
    const style = code === "1"
      ? "font-weight:700"
      : code === "2"
      ? "opacity:.65"
      : `color:${colours[code] ?? "inherit"}`;
    return `<span style="${style}">${text}</span>`;
  }).join("");
}

/** `relay demo` in a terminal. */
async function takeDemo(locale: Locale): Promise<void> {
  const folder = makeFolder();
  try {
    const terminal = runOnTerminal(["demo", "--locale", locale], { cwd: folder.path, columns: COLUMNS });
    await terminal.exited;
    // A long line goes on past the edge of the picture, not on the next line.
    const lines = terminal.output().trimEnd().split("\n").slice(0, 26).join("\n");
    await withPage(async (page) => {
      await page.setContent(
        `<body style="margin:0"><pre style="box-sizing:border-box;width:${COLUMNS + 4}ch;margin:0;padding:1.2em 2ch;
          overflow:hidden;background:#16181d;color:#dfe3ea;font:14px/1.5 'DejaVu Sans Mono',monospace"
          ><span style="opacity:.65">$</span> relay demo\n\n${htmlOf(lines)}</pre></body>`,
      );
      await page.locator("pre").screenshot({ path: pathOf("demo", locale) });
    }, { viewport: { width: 1180, height: 720 } });
  } finally {
    folder.remove();
  }
}

mkdirSync(images, { recursive: true });
for (const locale of Object.keys(locales) as Locale[]) {
  await takeOverview(locale);
  await takeDemo(locale);
  for (const name of ["overview", "demo"]) {
    const path = pathOf(name, locale);
    process.stdout.write(`${path}: ${Math.ceil(statSync(path).size / 1024)} KiB\n`);
  }
}
