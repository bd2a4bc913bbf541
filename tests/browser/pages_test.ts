/** The operator's pages in a real browser: for everybody, on every screen, in two languages. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { withoutBrowser, withPage } from "../helpers/browser.ts";
import { configOf, type RunningRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const needsBrowser = { skip: withoutBrowser };
const TOKEN = "tok_0123456789abcdef";

/** A relay in which something is delivered, something waits, something is dead; it refused requests, and a reload. */
async function withBusyRelay(work: (url: string, relay: RunningRelay) => Promise<void>, admin = ""): Promise<void> {
  const sink = await startSink((response, { path }) => {
    response.writeHead(path === "/refuses" ? 400 : 200).end(path === "/refuses" ? "no room" : "ok");
  });
  const relay = await startRelay(configOf({
    admin: `{ port: 0, ${admin} }`,
    targets: `takes: http({ url: "${sink.url}/takes" }), refuses: http({ url: "${sink.url}/refuses" }),
      waits: http({ url: "http://127.0.0.1:1", retry: ["1h"] }), chat: slack({ url: "${sink.url}/chat/abcdefgh" })`,
    routes:
      `{ on: "note.*", to: ["takes", "refuses", "waits"] }, { on: "note.failed", to: "chat", when: (e) => e.data.x.y }`,
  }));
  try {
    const url = await relay.adminUrl();
    for (const note of ["n1", "n2"]) await relay.post(`{"event":"note.failed","data":{"note_id":"${note}"}}`);
    await relay.post(JSON.stringify({ event: `other.${"x".repeat(80)}`, data: { note_id: "n".repeat(80) } }));
    await relay.post("{}", { signature: null });
    await relay.post("{}", { signature: `sha256=${"0".repeat(64)}` });
    const file = join(relay.folder, "relay.config.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace('to: "chat"', 'to: "chatt"'));
    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the refusal", ({ message }) => `${message}`.startsWith("config not reloaded"));
    await until("every delivery's first attempt", () => relay.log().filter(({ attempt }) => attempt === 1).length >= 6);
    await work(url, relay);
  } finally {
    await relay.close();
    await sink.close();
  }
}

/** Addresses of every kind of page. */
async function addressesOf(page: Page, url: string): Promise<string[]> {
  await page.goto(`${url}/events?search=n1`);
  const event = await page.locator("tbody a").first().getAttribute("href");
  const fixed = [
    "/",
    "/events",
    "/events?search=nothing",
    "/dead",
    "/dead/retry",
    "/targets",
    "/config",
    "/no-such-page",
  ];
  return [...fixed, event!].map((path) => url + path);
}

/** What axe-core finds, in a few words each. */
async function findingsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations: axe.Result[] = await page.evaluate(
    "axe.run({ rules: { 'target-size': { enabled: true } } }).then(({ violations }) => violations)",
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${page.url()}: ${id}: ${html}`));
}

test("pages break no rule of axe-core, and need no scrolling sideways", needsBrowser, async () => {
  await withBusyRelay(async (url) => {
    await withPage(async (page) => {
      const refused: string[] = [];
      page.on("console", (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
      for (const address of await addressesOf(page, url)) {
        for (const [width, colorScheme] of [[1200, "light"], [1200, "dark"], [800, "light"], [360, "light"]] as const) {
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ colorScheme });
          await page.goto(address);
          assert.deepEqual(await findingsOf(page), []);
          const needed = await page.evaluate<number>("document.documentElement.scrollWidth");
          assert.ok(needed <= width, `${address} needs ${needed} of ${width} pixels`);
          const header = (await page.locator("header").boundingBox())!.height;
          assert.ok(header < 56, `the header of ${address} has ${header} pixels`);
        }
      }
      assert.deepEqual(refused, []);
    });
  });
});

test(
  "the first page shows what the relay refused, of requests and of the config, while it happens",
  needsBrowser,
  async () => {
    await withBusyRelay(async (url, relay) => {
      await withPage(async (page) => {
        await page.goto(url);
        const attention = page.locator("#attention");
        assert.match(
          await attention.innerText(),
          /The config on disk could not be loaded.*routes\[1\]\.to: unknown target "chatt".*2 requests to connectvets refused in the last hour.*relay verify --signature/s,
        );
        await relay.post("[]");
        await attention.locator("strong", { hasText: "not an event" }).waitFor();
        const file = join(relay.folder, "relay.config.ts");
        writeFileSync(file, readFileSync(file, "utf8").replace('to: "chatt"', 'to: "chat"'));
        process.kill(relay.child.pid!, "SIGHUP");
        await attention.getByText("The config on disk could not be loaded").waitFor({ state: "detached" });
      });
    });
  },
);

test(
  "every page says within 5 s that the relay does not answer, since when, and that it does again",
  needsBrowser,
  async () => {
    await withBusyRelay(async (url, relay) => {
      for (
        const [locale, gone, back] of [
          [
            "en-GB",
            /^The relay has not answered since (\d\d:\d\d:\d\d)\. This page shows it as of \1\.$/,
            /answering again/,
          ],
          [
            "pt-BR",
            /^O relay não responde desde (\d\d:\d\d:\d\d)\. Esta página mostra a situação de \1\.$/,
            /voltou a responder/,
          ],
        ] as const
      ) {
        await withPage(async (page) => {
          await page.goto(url);
          await page.getByRole("button", { name: locale === "en-GB" ? "Live" : "Ao vivo" }).waitFor();
          const lost = page.locator("#lost");
          assert.equal(await lost.isVisible(), false);
          process.kill(relay.child.pid!, "SIGSTOP");
          try {
            await lost.and(page.locator(".bad")).waitFor({ timeout: 5_000 });
            assert.match(await lost.innerText(), gone);
            assert.deepEqual(await findingsOf(page), []);
          } finally {
            process.kill(relay.child.pid!, "SIGCONT");
          }
          await lost.and(page.locator(":not(.bad)")).waitFor();
          assert.match(await lost.innerText(), back);
          assert.deepEqual(await findingsOf(page), []);
        }, { locale });
      }
      await withPage(async (page) => {
        await page.goto(`${url}/config`);
        await relay.end("SIGKILL");
        await page.getByText("The relay has not answered since").waitFor({ timeout: 5_000 });
      });
    });
  },
);

test("pages speak the browser's language, or English", needsBrowser, async () => {
  await withBusyRelay(async (url) => {
    for (const [locale, lang, heading] of [["pt-BR", "pt-BR", "Destinos"], ["de-DE", "en", "Targets"]]) {
      await withPage(async (page) => {
        await page.goto(`${url}/targets`);
        assert.equal(await page.locator("html").getAttribute("lang"), lang);
        assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), heading);
      }, { locale });
    }
  });
});

test("the list of events grows by itself, but not under a person's hands", needsBrowser, async () => {
  await withBusyRelay(async (url, relay) => {
    await withPage(async (page) => {
      await page.goto(`${url}/events`);
      const links = page.locator("tbody a");
      assert.equal(await links.count(), 3);
      await page.getByRole("button", { name: "Live" }).waitFor();
      await relay.post('{"event":"note.completed","data":{"note_id":"n4"}}');
      await page.getByRole("link", { name: "note.completed" }).waitFor();

      await links.first().focus();
      await relay.post('{"event":"note.processing","data":{"note_id":"n5"}}');
      const isFetched = page.waitForResponse((response) => response.url() === `${url}/events`);
      await isFetched;
      assert.equal(await links.first().textContent(), "note.completed");
      await page.getByLabel("Search").focus();
      await page.getByRole("link", { name: "note.processing" }).waitFor();
    });
  });
});

test("a keyboard reaches the content first, and all else after it", needsBrowser, async () => {
  await withBusyRelay(async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/dead`);
      const focused = () => page.evaluate<string>("document.activeElement.textContent.trim()");
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "Skip to content");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "Retry all 2…");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Retry dead letters" }).waitFor();
    });
  });
});

test("a test message is sent from the page of targets, which tells its end", needsBrowser, async () => {
  await withBusyRelay(async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/targets`);
      await page.getByRole("button", { name: "Send test message: takes" }).click();
      await page.getByText("Test message to takes").waitFor();
      await page.locator("#test h3").getByText("delivered").waitFor();
      await page.locator("#test").getByRole("link", { name: "Show its event" }).click();
      await page.getByRole("heading", { name: "relay.test" }).waitFor();
    });
  });
});

test(
  "a test message is followed attempt by attempt, also by who has no script and loads the page again",
  needsBrowser,
  async () => {
    let hasRoom = false;
    const sink = await startSink((response) => response.writeHead(hasRoom ? 200 : 503).end("as asked"));
    const relay = await startRelay(configOf({
      admin: "{ port: 0 }",
      targets: `slow: http({ url: "${sink.url}", retry: ["1h"] })`,
      routes: "",
    }));
    try {
      const url = await relay.adminUrl();
      await withPage(async (page) => {
        await page.goto(`${url}/targets`);
        await page.getByRole("button", { name: "Send test message: slow" }).click();
        const attempts = page.locator("#test .attempts > li");
        await attempts.first().waitFor();
        await withPage(async (plain) => {
          await plain.goto(page.url());
          assert.equal(await plain.locator("#test .attempts > li").count(), 1);
          hasRoom = true;
          const event = new URL(page.url()).searchParams.get("event");
          const { deliveries } = await (await fetch(`${url}/api/events/${event}`)).json();
          await fetch(`${url}/deliveries/${deliveries[0].id}/retry`, { method: "POST", redirect: "manual" });
          await relay.logged("the second attempt", ({ attempt }) => attempt === 2);
          await plain.getByRole("link", { name: /^Reload/ }).click();
          await plain.locator("#test h3").getByText("delivered").waitFor();
        }, { javaScriptEnabled: false });
        await attempts.nth(1).waitFor();
        await page.locator("#test h3").getByText("delivered").waitFor();
      });
    } finally {
      await relay.close();
      await sink.close();
    }
  },
);

test(
  "on a phone the navigation opens by a button, without a script as well, and the language is changed there",
  needsBrowser,
  async () => {
    await withBusyRelay(async (url) => {
      await withPage(async (page) => {
        await page.goto(`${url}/targets`);
        const events = page.getByRole("link", { name: "Events" });
        assert.equal(await events.isVisible(), false);
        await page.getByRole("button", { name: "Menu: Targets" }).click();
        await events.click();
        await page.getByRole("button", { name: "Menu: Events" }).click();
        await page.getByRole("link", { name: "Português" }).click();
        await page.getByRole("heading", { name: "Eventos", level: 1 }).waitFor();
        await page.goto(`${url}/targets`);
        await page.getByRole("heading", { name: "Destinos", level: 1 }).waitFor();
      }, { viewport: { width: 390, height: 800 }, javaScriptEnabled: false });
    });
  },
);

test("a target is paused and resumed from its page", needsBrowser, async () => {
  await withBusyRelay(async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/targets`);
      await page.getByRole("button", { name: "Pause: takes" }).click();
      await page.getByText("The target is paused.").waitFor();
      await page.getByRole("heading", { name: "takes paused" }).waitFor();
      await page.getByRole("button", { name: "Resume: takes" }).click();
      await page.getByRole("heading", { name: "takes ok" }).waitFor();
    });
  });
});

test("the page of the config shows where an event would go, and each message", needsBrowser, async () => {
  await withBusyRelay(async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/config`);
      await page.getByLabel("Sample event").selectOption("note.failed");
      await page.getByRole("button", { name: "Use this sample" }).click();
      await page.getByLabel("Event (JSON)").fill(
        '{"event":"note.failed","data":{"x":{"y":true},"note_id":"<b>n9</b>"}}',
      );
      await page.getByRole("button", { name: "Show the result" }).click();
      const result = page.locator("#result");
      assert.match(await result.getByRole("heading").first().innerText(), /note\.failed.*takes, refuses, waits, chat/);
      await result.getByText("&lt;b&gt;n9&lt;/b&gt;").first().waitFor();
      await page.getByLabel("Event (JSON)").fill("{");
      await page.getByRole("button", { name: "Show the result" }).click();
      await page.getByText("The body is not valid JSON").waitFor();
    });
  });
});

test(
  "the page of the config shows an email as a mail program does, and runs and loads nothing of it",
  needsBrowser,
  async () => {
    const sink = await startSink();
    const html = `<style>p { color: rgb(1, 2, 3) }</style><p style="font-size: 31px">For the team</p>` +
      `<script>document.querySelector("p").textContent = "It ran"</script><img src="${sink.url}/seen">`;
    const relay = await startRelay(configOf({
      admin: "{ port: 0 }",
      targets: `team: email({ via: "smtp://127.0.0.1:1", from: "a@b.example", to: ["c@b.example"], requireTls: false,
      subject: "s", text: "For the team, as text", html: ${JSON.stringify(html)} })`,
      routes: `{ on: "**", to: "team" }`,
    }));
    try {
      await withPage(async (page) => {
        await page.goto(`${await relay.adminUrl()}/config`);
        await page.getByRole("button", { name: "Show the result" }).click();
        const frame = page.locator("iframe");
        assert.equal(await frame.getAttribute("sandbox"), "");
        await frame.contentFrame().getByText("For the team").waitFor();
        const look = "getComputedStyle(document.querySelector('p'))";
        const style = await page.frames()[1]!.evaluate<string>(`${look}.color + ${look}.fontSize`);
        assert.equal(style, "rgb(1, 2, 3)31px");
        await page.locator("#result").getByText("For the team, as text").waitFor();
        assert.deepEqual(sink.requests, []);
        assert.deepEqual(await findingsOf(page), []);
      });
    } finally {
      await relay.close();
      await sink.close();
    }
  },
);

test("a token opens the page that was asked for, until signing out", needsBrowser, async () => {
  await withBusyRelay(async (url) => {
    await withPage(async (page) => {
      await page.goto(`${url}/targets`);
      assert.deepEqual(await findingsOf(page), []);
      await page.getByLabel("Token").fill("wrong");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("This token is wrong.").waitFor();
      assert.deepEqual(await findingsOf(page), []);
      await page.getByLabel("Token").fill(TOKEN);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Targets" }).waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Token").waitFor();
      await page.goto(`${url}/targets`);
      await page.getByLabel("Token").waitFor();
    });
  }, `token: "${TOKEN}"`);
});
