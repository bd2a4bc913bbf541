/** The operator's pages of the executable, as a program without a script sees them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const SECRET = `whs_<b>&"'0123456789`;
const PAGES = ["/", "/events", "/dead", "/targets", "/config"];

interface Answer {
  status: number;
  text: string;
  headers: Headers;
}

/** What the admin listener answers; redirects are not followed. */
async function ask(url: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const sent = form && { method: "POST", body: new URLSearchParams(form) };
  const response = await fetch(url, { ...sent, redirect: "manual", headers });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Where an action sends its caller. */
async function act(url: string, form: Record<string, string> = {}): Promise<string> {
  const { status, headers, text } = await ask(url, form);
  assert.equal(status, 303, text);
  return headers.get("Location")!;
}

/** A relay with a target that takes events and one that refuses them with what it was sent. */
async function withRelay(work: (url: string, relay: RunningRelay) => Promise<void>): Promise<void> {
  const sink = await startSink((response, { path, body }) => {
    if (path === "/refuses") response.writeHead(400).end(`<script>alert(1)</script> ${SECRET} ${body}`);
    else response.end("ok");
  });
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: `takes: http({ url: "${sink.url}/takes" }),
      refuses: http({ url: "${sink.url}/refuses", headers: { Authorization: ${JSON.stringify(SECRET)} } })`,
    routes: `{ on: "note.*", to: ["takes", "refuses"] }`,
  }));
  try {
    await work(await relay.adminUrl(), relay);
  } finally {
    await relay.close();
    await sink.close();
  }
}

/** Posts events and waits until each is delivered once and dead once. */
async function post(relay: RunningRelay, ...bodies: string[]): Promise<void> {
  for (const body of bodies) assert.equal((await relay.post(body)).status, 200);
  await until("every attempt", () => relay.log().filter(({ attempt }) => attempt === 1).length >= 2 * bodies.length);
}

const eventOf = (note: string) => `{"event":"note.failed","data":{"note_id":"${note}","external_id":"C-${note}"}}`;

/** Addresses of the events that a list links to. */
const linksOf = (html: string) => [...html.matchAll(/<a href="(\/events\/[^"]+)"/g)].map(([, path]) => path!);

test("pages answer with HTML that is kept nowhere, and what they load under names that are kept for a year", async () => {
  await withRelay(async (url, relay) => {
    await post(relay, ...Array.from({ length: 50 }, (_, at) => eventOf(`n${at}`)));
    for (const path of PAGES) {
      const { status, headers } = await ask(url + path);
      assert.equal(status, 200, path);
      assert.match(headers.get("Content-Type")!, /^text\/html/);
      assert.equal(headers.get("Cache-Control"), "no-store");
      assert.match(headers.get("Content-Security-Policy")!, /default-src 'none'/);
    }
    for (const path of PAGES) {
      const { text } = await ask(url + path);
      assert.doesNotMatch(text, /<style|<script>| style=| on[a-z]+=/);
      const loaded = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
      assert.ok(loaded.length >= 3);
      let size = Buffer.byteLength(text);
      for (const asset of loaded) {
        const { status, headers, text } = await ask(url + asset);
        assert.equal(status, 200, asset);
        assert.equal(headers.get("Cache-Control"), "public, max-age=31536000, immutable");
        size += Buffer.byteLength(text);
      }
      assert.ok(size < 60_000, `${path} is ${size} bytes with what it loads`);
    }
    for (const path of ["/no", "/events/no", "/events/0199f3a1-7c2e-7100-9d3f-4b8e21a6c000", "/assets/no.css"]) {
      const { status, text } = await ask(url + path);
      assert.deepEqual([status, /Page not found/.test(text)], [404, true], path);
    }
  });
});

test("pages show no secret, whatever a target answered, and escape what came in", async () => {
  await withRelay(async (url, relay) => {
    await post(relay, eventOf("<img src=x>"), `{"event":"note.<b>","data":{"note_id":${JSON.stringify(SECRET)}}}`);
    const list = await ask(`${url}/events`);
    const paths = linksOf(list.text);
    assert.equal(paths.length, 2);
    const stories = paths.flatMap((path) => [path, `${path}?full`, `${path}/replay`]);
    for (const path of [...PAGES, ...stories, `/events?search=${encodeURIComponent(SECRET)}`]) {
      const { status, text } = await ask(url + path);
      assert.equal(status, 200, path);
      assert.doesNotMatch(text, /0123456789/, path);
      assert.doesNotMatch(text, /<img|<b>|alert\(1\)<\/script>/, path);
    }
    const story = (await ask(url + paths[1]!)).text;
    assert.match(story, /&lt;script&gt;alert\(1\)&lt;\/script&gt; \[secret\]/);
    assert.match(story, /x-connectvets-signature[\s\S]*?\[masked\]/i);
    assert.match(story, /secret 1 of 1/);
    const payload = await ask(`${url}${paths[0]}/payload`);
    assert.match(payload.headers.get("Content-Type")!, /^text\/plain/);
    assert.equal(payload.text, `{"event":"note.<b>","data":{"note_id":"[secret]"}}`);
    const shown = await ask(`${url}/config`, {
      event: `{"event":"note.x","data":{"note_id":${JSON.stringify(SECRET)}}}`,
    });
    assert.doesNotMatch(shown.text, /0123456789/);
  });
});

test("the list of events is narrowed by filters and goes on from page to page and back", async () => {
  await withRelay(async (url, relay) => {
    await post(relay, ...Array.from({ length: 60 }, (_, at) => eventOf(`n${at}`)));
    await relay.post('{"event":"other.event","data":{}}');
    const counts: [query: string, count: number][] = [
      ["type=note.*", 40],
      ["type=other.*", 1],
      ["state=unrouted", 1],
      ["target=takes&state=dead", 0],
      ["target=refuses&state=dead", 40],
      ["search=n17%22", 1],
      ["search=C-n42", 1],
      ["since=1h&search=n9%22", 1],
      ["search=nothing", 0],
    ];
    for (const [query, count] of counts) {
      assert.equal(linksOf((await ask(`${url}/events?${query}`)).text).length, count, query);
    }
    const first = await ask(`${url}/events?type=note.*`);
    const linkOf = (html: string, rel: string) =>
      new RegExp(`rel="${rel}" href="([^"]+)"|href="([^"]+)" rel="${rel}"`).exec(html)?.slice(1).find(Boolean)
        ?.replaceAll("&amp;", "&");
    assert.equal(linkOf(first.text, "prev"), undefined);
    const older = await ask(url + linkOf(first.text, "next")!);
    assert.equal(linksOf(older.text).length, 20);
    assert.equal(linkOf(older.text, "next"), undefined);
    const newer = await ask(url + linkOf(older.text, "prev")!);
    assert.deepEqual(linksOf(newer.text), linksOf(first.text));
    const [path] = linksOf(first.text);
    const found = await ask(`${url}/events?search=${path!.slice("/events/".length)}`);
    assert.deepEqual([found.status, found.headers.get("Location")], [303, path]);
  });
});

test("pages' buttons go on to a page that tells what was done, and what is not there is said to be not there", async () => {
  await withRelay(async (url, relay) => {
    await post(relay, eventOf("n1"));
    const [path] = linksOf((await ask(`${url}/events`)).text);
    const story = (await ask(url + path!)).text;
    const retry = /href="(\/deliveries\/[^"]+\/retry)"/.exec(story)![1]!;
    const asked = (await ask(url + retry)).text;
    assert.match(asked, /Retry the delivery to refuses\?[\s\S]*under the same delivery id/);
    assert.equal(/action="(\/deliveries\/[^"]+\/retry)"/.exec(asked)![1], retry);
    const next = await act(url + retry, { back: "/dead" });
    assert.equal(next, "/dead?done=retried&count=1");
    assert.match((await ask(url + next)).text, /role="status">1 delivery is being sent again now\./);
    await until("the end of the retry", () => relay.log().filter(({ attempt }) => attempt === 2).length === 1);
    assert.equal(await act(url + retry, { back: "https://elsewhere.example/" }), `${path}?done=retried&count=1`);
    const replay = (await ask(`${url}${path}/replay`)).text;
    assert.match(replay, /new deliveries to takes and refuses\.[\s\S]*already delivered to takes,/);
    assert.equal(await act(`${url}${path}/replay`), `${path}?done=replayed&count=2`);
    assert.match((await ask(`${url}${path}?done=replayed&count=2`)).text, /replayed with 2 new deliveries\./);
    assert.equal(await act(`${url}/targets/takes/pause`), "/targets?done=paused&count=1");
    assert.equal(await act(`${url}/targets/takes/resume`, { back: "/" }), "/?done=resumed&count=1");
    assert.match(await act(`${url}/targets/takes/test`), /^\/targets\?event=[0-9a-f-]{36}#test$/);
    const nothing = await ask(`${url}/dead/retry?target=takes`);
    assert.deepEqual([nothing.status, nothing.headers.get("Location")], [303, "/dead?done=nothing&count=0"]);
    const missing = ["/targets/none/pause", "/targets/none/test", `${path}x/replay`, "/deliveries/none/retry", "/dead"];
    for (const place of missing) assert.equal((await ask(url + place, {})).status, 404, place);
    const delivered = /delivery-([^"]+)"/.exec(story)![1];
    assert.equal((await ask(`${url}/deliveries/${delivered}/retry`)).headers.get("Location"), path);
    for (const place of [`${path}x/replay`, `${path}x/payload`, "/deliveries/none/retry", `${path}/html`]) {
      assert.equal((await ask(url + place)).status, 404, place);
    }
  });
});

test("an event's page shows what each target was sent, and stays under 60 KB unless all of it is asked for", async () => {
  const sink = await startSink((response) => void response.writeHead(500).end("x".repeat(1024)));
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: `bytes: http({ url: "${sink.url}/", retry: ["1h"] }),
      json: http({ url: "${sink.url}/", retry: ["1h"], body: (e) => ({ nota: e.data.note_id }) }),
      chat: slack({ url: "${sink.url}/chat/abcdefgh", retry: ["1h"], text: (e) => "Nota " + e.data.note_id }),
      wrong: slack({ url: "${sink.url}/chat/abcdefgh", text: (e) => e.data.x.y }),
      mail: email({ via: "smtp://127.0.0.1:1", from: "relay@clinic.example", to: ["vet@clinic.example"], retry: ["1h"],
        html: (e) => "<h1 style='color:red'>Nota " + e.data.note_id + "</h1><script>alert(1)</script>" })`,
    routes: `{ on: "note.*", to: ["bytes", "json", "chat", "wrong", "mail"] }`,
  }));
  try {
    const url = await relay.adminUrl();
    await relay.post(`{"event":"note.failed","data":{"note_id":"n1","more":"${"<b>".repeat(30_000)}"}}`);
    await until("every attempt", () => relay.log().filter(({ attempt }) => attempt === 1).length >= 5);
    const [path] = linksOf((await ask(`${url}/events`)).text);
    const { text, headers } = await ask(url + path!);
    assert.match(text, /The payload exactly as received, to POST http:/);
    assert.match(text, /Rendered again with the current config/);
    assert.match(text, /&quot;nota&quot;: &quot;n1&quot;/);
    assert.match(text, /Nota n1/);
    assert.match(text, /The message cannot be rendered: Cannot make the text: its function threw/);
    assert.match(text, /<iframe sandbox="" srcdoc="&lt;h1 style=&#39;color:red&#39;&gt;Nota n1/);
    assert.match(
      headers.get("Content-Security-Policy")!,
      /default-src 'none'; script-src 'self'; style-src 'self' 'un/,
    );
    assert.ok(text.length < 60_000, `${text.length}`);
    assert.match(text, /This is only the first part\./);
    const full = await ask(`${url}${path}?full`);
    assert.ok(full.text.length > 90_000);
    await relay.post(`{"event":"other","data":{}}`);
    const [unrouted] = linksOf((await ask(`${url}/events?state=unrouted`)).text);
    const nowhere = await ask(url + unrouted!);
    assert.match(nowhere.text, /No route matches, and the config has no <code>fallback<\/code>/);
    assert.doesNotMatch(nowhere.headers.get("Content-Security-Policy")!, /unsafe/);
    assert.match((await ask(`${url}${unrouted}/replay`)).text, /the event goes nowhere/);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("pages retry nothing for a reason that does not exist, nor for a form that cannot be read", async () => {
  await withRelay(async (url, relay) => {
    const wrong = await ask(`${url}/dead/retry`, { target: "takes", reason: "bogus" });
    assert.equal(wrong.status, 400);
    assert.match(wrong.text, /unknown reason &quot;bogus&quot;/);
    assert.equal((await ask(`${url}/dead?reason=bogus`)).status, 400);
    for (const path of ["/config", "/dead/retry", "/targets/takes/resume"]) {
      const headers = { "Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "same-origin" };
      const { status } = await fetch(url + path, { method: "POST", headers, body: "zz", redirect: "manual" });
      assert.equal(status, 400, path);
    }
    assert.deepEqual(relay.log().filter(({ level }) => level === "error"), []);
  });
});

test("a page is in the language that was chosen, else in the browser's, else in the config's", async () => {
  await withRelay(async (url) => {
    const langOf = async (headers: Record<string, string>) =>
      /<html lang="([^"]+)"/.exec((await ask(url, undefined, headers)).text)?.[1];
    const portuguese = { "Accept-Language": "fr, pt-BR;q=0.9, en;q=0.5" };
    assert.equal(await langOf(portuguese), "pt-BR");
    assert.equal(await langOf({ "Accept-Language": "fr" }), "en");
    const chosen = await ask(`${url}/events?type=note.*&lang=en`, undefined, portuguese);
    assert.deepEqual([chosen.status, chosen.headers.get("Location")], [303, "/events?type=note.*"]);
    const [cookie] = chosen.headers.get("Set-Cookie")!.split(";");
    assert.match(chosen.headers.get("Set-Cookie")!, /SameSite=Lax/);
    assert.equal(await langOf({ ...portuguese, Cookie: cookie! }), "en");
    assert.equal(await langOf({ ...portuguese, Cookie: "relay_locale=xx" }), "pt-BR");
    assert.equal((await ask(`${url}/?lang=xx`)).status, 200);
    const { pathname } = new URL((await ask(`${url}//elsewhere.example/?lang=en`)).headers.get("Location")!, url);
    assert.equal(pathname, "/elsewhere.example/");
    assert.match(
      (await ask(`${url}/events?type=note.*`)).text,
      /href="\/events\?type=note.\*&amp;lang=pt-BR"[^>]*>Português</,
    );
  });
  const relay = await startRelay(configOf({
    admin: "{ port: 0 }",
    targets: 'takes: http({ url: "http://127.0.0.1:1" })',
    routes: "",
    more: 'locale: "pt-BR"',
  }));
  try {
    const { text } = await ask(await relay.adminUrl(), undefined, { "Accept-Language": "fr" });
    assert.match(text, /<html lang="pt-BR">/);
  } finally {
    await relay.close();
  }
});

/** Words that no sentence of the other language has. */
const foreign = {
  en: /(?<![\w.-])(não|uma?|para|está|são|foi|que|com|nenhum|às|últim[ao]s?)(?![\w.-])/gi,
  "pt-BR": /(?<![\w.-])(the|of|is|are|was|and|not|to|this|it|from|when|last)(?![\w.-])/gi,
};

test("no page is half in one language and half in another", async () => {
  await withRelay(async (url, relay) => {
    await post(relay, eventOf("n1"));
    await relay.post("{}", { signature: null });
    await ask(`${url}/targets/takes/pause`, {});
    const test = await act(`${url}/targets/refuses/test`);
    const [event] = linksOf((await ask(`${url}/events?search=n1`)).text);
    const retry = /href="(\/deliveries\/[^"]+\/retry)"/.exec((await ask(url + event!)).text)![1]!;
    const events = ["/events", "/events?search=nothing", event!, `${event}/replay`, retry, "/dead", "/dead/retry"];
    for (const [locale, words] of Object.entries(foreign)) {
      const headers = { "Accept-Language": locale };
      for (const path of ["/", "/targets", test.replace("#test", ""), "/config", "/no-such-page", ...events]) {
        const { text } = await ask(url + path, undefined, headers);
        assert.deepEqual(shownIn(text).match(words), null, `${path} in ${locale}`);
      }
      for (const event of ["{", '{"event":"other","data":{}}', eventOf("n1")]) {
        const { text } = await ask(`${url}/config`, { event }, headers);
        assert.deepEqual(shownIn(text).match(words), null, `${event} in ${locale}`);
      }
    }
  });
});

/** What a page says to a person, without code, answers and the names of languages. */
function shownIn(html: string): string {
  const named = [...html.matchAll(/ (?:aria-label|title|data-[a-z]+)="([^"]*)"/g)].map(([, text]) => text!);
  const without = html.replaceAll(/<(code|pre|textarea|iframe|option)\b[^]*?<\/\1>|<a [^>]*hreflang[^]*?<\/a>/g, "");
  return [...named, without.replaceAll(/<[^>]*>/g, "\n")].join("\n");
}

test("the first page answers in the order in which an operator asks, and says that the config on disk has changed", async () => {
  await withRelay(async (url, relay) => {
    const headers = { "Accept-Language": "en" };
    const calm = (await ask(url, undefined, headers)).text;
    assert.match(calm, /Nothing needs attention[\s\S]*The config on disk is the one that is running/);
    await post(relay, eventOf("n1"));
    await relay.post("{}", { signature: null });
    const file = join(relay.folder, "relay.config.ts");
    writeFileSync(file, `${readFileSync(file, "utf8")}// changed`);
    const parts = [
      "Relay is running",
      "Since",
      "Needs attention",
      "1 dead letter for refuses",
      "1 request to connectvets refused",
      "Last event received",
      "note.failed",
      "Last delivery",
      "to takes",
      "Requests refused, last hour",
      "no signature: 1",
      "Alerts",
      "The config has no alerts.",
      "Version",
      "has changed since it was loaded",
    ];
    assert.match((await ask(url, undefined, headers)).text, new RegExp(parts.map(RegExp.escape).join("[\\s\\S]*")));
    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the reload", ({ message }) => `${message}`.startsWith("reloaded "));
    assert.match((await ask(url, undefined, headers)).text, /The config on disk is the one that is running/);
  });
});

test("a page that is not there says so in the browser's language", async () => {
  await withRelay(async (url) => {
    const { status, text } = await ask(`${url}/nothing`, undefined, { "Accept-Language": "fr, pt-BR;q=0.9, en;q=0.5" });
    assert.equal(status, 404);
    assert.match(text, /<html lang="pt-BR">[\s\S]*Página não encontrada/);
  });
});

test("pages and verbs show a failure whose reason only a newer relay knows", async () => {
  await withRelay(async (url, relay) => {
    await post(relay, eventOf("n1"));
    const store = new DatabaseSync(join(relay.folder, "relay.db"));
    for (const table of ["deliveries", "attempts", "lanes"]) {
      store.exec(`UPDATE ${table} SET reason = 'left_on_read' WHERE reason IS NOT NULL`);
    }
    store.close();
    const [path] = linksOf((await ask(`${url}/dead`)).text);
    for (const page of ["/", "/dead", "/targets", "/events", path!]) {
      const { status, text } = await ask(url + page, undefined, { "Accept-Language": "en" });
      assert.equal(status, 200, page);
      assert.match(text, /left_on_read/, page);
    }
    const dead = (await ask(`${url}/dead`, undefined, { "Accept-Language": "en" })).text;
    const groups = dead.slice(dead.indexOf('<ul class="list">'), dead.indexOf('id="letters"'));
    assert.doesNotMatch(groups, /\/dead\/retry/, "nothing else is retried in its place");
    const [, shown] = /href="(\/dead\?[^"#]*)/.exec(groups) ?? [];
    assert.equal((await ask(url + shown!.replaceAll("&amp;", "&"))).status, 200);
    assert.match((await runRelay(["status"], { cwd: relay.folder })).stdout, /`relay retry --dead --target refuses`/);
    for (const args of [["status"], ["events"], ["events", path!.split("/").at(-1)!], ["retry", "--dead", "--yes"]]) {
      const { code, stdout, stderr } = await runRelay(args, { cwd: relay.folder });
      assert.equal(code, 0, stderr);
      if (args[0] !== "retry") assert.match(stdout, /left_on_read/);
    }
  });
});

test("the page of an event is found by the beginning of its id, as lists of the command line show it", async () => {
  await withRelay(async (url, relay) => {
    await post(relay, eventOf("n1"));
    const [path] = linksOf((await ask(`${url}/events`)).text);
    const { status, headers } = await ask(url + path!.slice(0, "/events/".length + 18));
    assert.deepEqual([status, headers.get("Location")], [303, path]);
    assert.equal((await ask(`${url}/events/ffffffff`)).status, 404);
  });
});
